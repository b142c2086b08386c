//! The MAC address that stands for this router in topics and client ids: the setting `RouterAddress`, else the first
//! network card's, else one made from the machine id. It does not follow the Bluetooth adapters, which come and go.

use crate::model::Address;
use openssl::sha::sha256;
use std::fs;
use std::path::Path;

/// The router's address where none is set.
pub fn address() -> Address {
    detect(Path::new("/sys/class/net"))
        .or_else(|| from_machine_id(&fs::read_to_string("/etc/machine-id").ok()?))
        .unwrap_or_else(random)
}

/// The first card by index; real ones before virtual ones.
fn detect(interfaces: &Path) -> Option<Address> {
    let read = |path: &Path, name: &str| fs::read_to_string(path.join(name)).map(|text| text.trim().to_owned());
    fs::read_dir(interfaces)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            // 1 is ARPHRD_ETHER: loopback, tunnels and the like have other types.
            let ethernet = read(&path, "type").ok()? == "1";
            let address = Address::parse(&read(&path, "address").ok()?)?;
            let index: u32 = read(&path, "ifindex").ok()?.parse().ok()?;
            let real = path.join("device").exists();
            (ethernet && address.0 != [0; 6]).then_some((!real, index, address))
        })
        .min()
        .map(|(.., address)| address)
}

/// A locally administered address that stays the same on this machine; the id itself is not to be shown (machine-id(5)).
fn from_machine_id(id: &str) -> Option<Address> {
    let id = id.trim();
    (id.len() == 32).then(|| local(&sha256(format!("cassia-bypass router {id}").as_bytes())))
}

fn random() -> Address {
    let mut bytes = [0; 6];
    // Without randomness the address is still valid, only not unique.
    let _ = openssl::rand::rand_bytes(&mut bytes);
    local(&bytes)
}

/// Locally administered, unicast (IEEE 802, clause 8.4).
fn local(bytes: &[u8]) -> Address {
    Address([0x02, bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(root: &Path, name: &str, kind: &str, address: &str, index: u32, real: bool) {
        let dir = root.join(name);
        fs::create_dir_all(&dir).expect("directory");
        for (file, text) in [("type", kind), ("address", address), ("ifindex", &index.to_string())] {
            fs::write(dir.join(file), format!("{text}\n")).expect("file");
        }
        if real {
            fs::create_dir(dir.join("device")).expect("device");
        }
    }

    #[test]
    fn real_cards_come_before_virtual_ones_and_loopback_never() {
        let root = tempfile::tempdir().expect("directory");
        assert_eq!(detect(root.path()), None);
        card(root.path(), "lo", "772", "00:00:00:00:00:00", 1, false);
        assert_eq!(detect(root.path()), None);
        card(root.path(), "docker0", "1", "02:42:00:00:00:01", 2, false);
        assert_eq!(detect(root.path()), Address::parse("02:42:00:00:00:01"));
        card(root.path(), "wlan0", "1", "cc:1b:e0:00:00:02", 4, true);
        card(root.path(), "eth0", "1", "cc:1b:e0:00:00:01", 3, true);
        assert_eq!(detect(root.path()), Address::parse("cc:1b:e0:00:00:01"));
    }

    #[test]
    fn machine_id_gives_a_stable_local_address() {
        let id = "0123456789abcdef0123456789abcdef\n";
        let address = from_machine_id(id).expect("address");
        assert_eq!(from_machine_id(id), Some(address));
        assert_eq!(address.0[0], 0x02);
        assert_eq!(from_machine_id("uninitialized\n"), None);
    }
}
