"""What a person would write: adverts from BlueZ to a broker in batches of 20. Benches compare its cost to the service's."""

import asyncio, json, sys

from bleak import BleakScanner
from paho.mqtt.client import CallbackAPIVersion, Client

client, batch = Client(CallbackAPIVersion.VERSION2), []


def heard(device, advert):
    data = next(iter(advert.manufacturer_data.values()), b"").hex().upper()
    batch.append({"bdaddrs": [{"bdaddr": device.address, "bdaddrType": "public"}], "chipId": 0, "evtType": 3,
                  "rssi": advert.rssi, "adData": data, "name": advert.local_name or "(unknown)"})
    if len(batch) == 20:
        client.publish("scanTopic", json.dumps(batch))
        batch.clear()


async def main():
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_start()
    async with BleakScanner(heard):
        await asyncio.Event().wait()


asyncio.run(main())
