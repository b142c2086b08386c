# What ./demo shows of the messages that a subscriber received: `readable` for one, `devices` for all of them.

def pad(width): (. + " " * width)[:width];
def column(width): tostring | if length < width then " " * (width - length) + . else . end;

# Bluetooth Core, volume 4, part E, 7.7.65.2; 5 is any extended advertisement.
def event: ["ADV_IND", "ADV_DIRECT_IND", "ADV_SCAN_IND", "ADV_NONCONN_IND", "SCAN_RSP", "extended"][.evtType];
def address: .bdaddrs[0].bdaddr;
# 127: the controller does not know it.
def strength: .rssi | if . == 127 then "  ?     " else "\(column(4)) dBm" end;
def data: (.adData // .scanData) | if length > 40 then .[:37] + "..." else . end;

def readable:
    "message of \(length) adverts",
    (.[] | "  \(address)  \(event | pad(15))  \(strength)  \(.name | pad(18))  \(data)");

def devices:
    (map(.[]) | group_by(address) | map({
        address: .[0] | address,
        type: .[0].bdaddrs[0].bdaddrType,
        name: (map(.name | select(. != "(unknown)")) | last // "(unknown)"),
        rssi: last.rssi,
        strength: last | strength,
        adverts: length
    }) | sort_by(-.adverts, .rssi == 127, -.rssi)) as $devices |
    "\("ADDRESS" | pad(17))  \("TYPE" | pad(9))  \("NAME" | pad(20))  RSSI      ADVERTS",
    ($devices[] | "\(.address)  \(.type | pad(9))  \(.name | pad(20))  \(.strength)  \(.adverts | column(7))"),
    "\($devices | length) devices, \(map(length) | add // 0) adverts in \(length) messages";
