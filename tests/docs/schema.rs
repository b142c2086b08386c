//! The schemas of `docs/schema`: they refuse what is wrong, the payload's document has the same keys, the AsyncAPI document is one
//! by its own schema, and the vendor's samples differ only as `docs/payload.md` says.

use crate::support::ROOT;
use crate::support::process::run;
use crate::support::schemas::{NAMES, Schemas, schema};
use crate::tree;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn item() -> Value {
    json!({"bdaddrs": [{"bdaddr": "DC:2C:26:20:70:02", "bdaddrType": "public"}], "chipId": 0, "evtType": 0, "rssi": -41,
           "adData": "020105", "name": "(unknown)"})
}

fn extended() -> Value {
    let mut item = item();
    let rest = json!({"evtType": 5, "primaryPhy": "1M", "secondaryPhy": "2M", "secondryPhy": "2M", "sid": 3, "txPower": 127,
                      "interval": 0, "prop": "Connectable,Directed", "dataStatus": "Complete"});
    item.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
    item
}

/// The value with some keys set, and those that are null removed.
fn with(mut value: Value, keys: Value) -> Value {
    let object = value.as_object_mut().expect("an object");
    object.extend(keys.as_object().expect("an object").clone());
    object.retain(|_, value| !value.is_null());
    value
}

#[test]
fn schemas_refuse_what_is_wrong() {
    let schemas = Schemas::published();
    for right in [
        item(),
        extended(),
        with(item(), json!({"later": 1})),
        with(item(), json!({"evtType": null, "evt_type": 3, "age": 5001, "timestamp": "2026-03-08 18:07:17.723 CST"})),
        with(item(), json!({"evtType": 4, "adData": null, "scanData": ""})),
        with(extended(), json!({"prop": "Scannable,ScanResponse", "adData": null, "scanData": "00"})),
        with(item(), json!({"beacon": {"type": "EddystoneTLM", "version": 1}})),
    ] {
        assert_eq!(schemas.problems("item", &right), [""; 0], "{right}");
    }
    for wrong in [
        with(item(), json!({"bdaddrs": []})),
        with(item(), json!({"bdaddrs": [{"bdaddr": "dc:2c:26:20:70:02", "bdaddrType": "public"}]})),
        with(item(), json!({"evt_type": 0})),
        with(item(), json!({"evtType": 6})),
        with(item(), json!({"rssi": "-41"})),
        with(item(), json!({"adData": "0a"})),
        with(item(), json!({"adData": "0"})),
        with(item(), json!({"scanData": ""})),
        with(item(), json!({"evtType": 4})),
        with(item(), json!({"sid": 3})),
        with(item(), json!({"age": 5000})),
        with(item(), json!({"timestamp": "2026-03-08T10:07:17Z"})),
        with(item(), json!({"beacon": {"type": "EddystoneTLM", "version": 0}})),
        with(item(), json!({"beacon": {"type": "iBeacon"}})),
        with(item(), json!({"name": null})),
        with(extended(), json!({"dataStatus": null})),
        with(extended(), json!({"prop": "Connectable,"})),
        with(extended(), json!({"prop": "ScanResponse"})),
        with(extended(), json!({"sid": 16})),
    ] {
        assert!(!schemas.problems("item", &wrong).is_empty(), "{wrong}");
    }
    let envelope = json!({"data": [item()], "id": "5f0c3a81e97b24d6-17", "action": "data.scan", "timestamp": 0,
                          "gateway": "CC:1B:E0:E0:E6:D0", "epoch": "5f0c3a81e97b24d6", "seq": 17});
    let will = json!({"state": "offline", "reason": "connection-lost", "router": "CC:1B:E0:E0:E6:D0", "version": "0.1.0",
                      "epoch": "5f0c3a81e97b24d6"});
    for right in [&envelope, &will, &json!([item(), extended()]), &json!([]), &json!({})] {
        assert_eq!(schemas.message(right), [""; 0]);
    }
    for wrong in [
        with(envelope.clone(), json!({"seq": -1})),
        with(envelope.clone(), json!({"data": []})),
        with(envelope, json!({"data": [{}]})),
        with(will.clone(), json!({"reason": "stopped"})),
        with(will.clone(), json!({"state": "online"})),
        with(will, json!({"timestamp": 0})),
        json!([{}]),
    ] {
        assert!(!schemas.message(&wrong).is_empty(), "{wrong}");
    }
    assert!(!Schemas::closed().problems("item", &with(item(), json!({"later": 1}))).is_empty(), "an unknown key");
}

/// Keys in the first column of the table below a sentence or heading of `docs/payload.md`.
fn documented(below: &str) -> BTreeSet<String> {
    let text = tree::text("docs/payload.md");
    let rest = text.split_once(below).unwrap_or_else(|| panic!("no {below}")).1;
    let rows = rest.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    rows.map(|row| row.split('`').nth(1).expect("a key").to_owned()).collect()
}

fn keys(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().expect("properties").keys().cloned().collect()
}

#[test]
fn schemas_have_the_keys_of_the_document() {
    let mut item = keys(&schema("item"));
    item.extend(keys(&schema("item")["properties"]["bdaddrs"]["items"]).iter().map(|key| format!("bdaddrs[0].{key}")));
    assert_eq!(documented("## The keys of an item"), item);
    assert_eq!(documented("| key of an envelope |"), keys(&schema("envelope")));
    assert_eq!(documented("| in the last will |"), keys(&schema("status")));
}

#[test]
fn vendor_samples_differ_only_as_the_document_says() {
    // They are not ours to publish: where they are not at hand there is nothing to compare.
    let samples = Path::new(ROOT).join("../shared/data/cassia-scan-samples.jsonl");
    let Ok(samples) = fs::read_to_string(samples) else { return };
    let (schemas, mut count) = (Schemas::published(), 0);
    for line in samples.lines() {
        let sample: Value = serde_json::from_str(line).expect("JSON");
        let mut message = sample["msg"].clone();
        // Older than firmware 2.1.1, and without the key that the vendor misspells.
        if message.get("chipId").is_none() {
            message["chipId"] = json!(0);
        }
        if message.get("secondryPhy").is_some() {
            message["secondaryPhy"] = message["secondryPhy"].clone();
        }
        assert_eq!(schemas.problems("item", &message), [""; 0], "{sample}");
        count += 1;
    }
    assert!(count > 10, "{count}");
}

#[test]
fn asyncapi_document_is_one_and_has_every_schema() {
    let document: Value = serde_json::from_str(&tree::text("docs/schema/asyncapi.json")).expect("JSON");
    let meta = run(&format!("{ROOT}/tests/docs/asyncapi"), [""; 0]);
    let meta = fs::read_to_string(meta.trim()).expect("the schema of AsyncAPI");
    let meta = jsonschema::validator_for(&serde_json::from_str(&meta).expect("JSON")).expect("a schema");
    let problems: Vec<_> = meta.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(problems, [""; 0]);
    for (pointer, wrong) in [("/operations/publishScan/action", "publish"), ("/asyncapi", "2.0.0")] {
        let mut broken = document.clone();
        *broken.pointer_mut(pointer).expect("a key") = wrong.into();
        assert!(!meta.is_valid(&broken), "{pointer}");
    }
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    // References inside lead to something, those to files to the schemas: each one is of a message.
    let mut files = BTreeSet::new();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list),
            Value::Object(object) => open.extend(object.values()),
            _ => {}
        }
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { continue };
        match reference.strip_prefix('#') {
            Some(pointer) => assert!(document.pointer(pointer).is_some(), "{reference}"),
            None => drop(files.insert(reference.to_owned())),
        }
    }
    assert_eq!(files, NAMES.map(|name| format!("./{name}.schema.json")).into());
}
