use super::*;

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn candidate(change: impl FnOnce(&mut Candidate)) -> Candidate {
    let mut candidate = Candidate::default();
    change(&mut candidate);
    candidate
}

type Change = fn(&mut Candidate);

/// A broker with a login, as somebody set it.
fn set() -> Candidate {
    candidate(|d| {
        d.raw.host = "broker.example".into();
        d.raw.username = "router".into();
        d.secrets.password = secret("hush");
    })
}

/// The settings over the packaged ones, with what happened to them.
struct Bench {
    bindings: Bindings,
    now: Candidate,
    base: Candidate,
}

impl Bench {
    fn new(now: Candidate, base: Candidate, hosts: &[(&str, Option<u16>)]) -> Self {
        let hosts = hosts.iter().map(|(host, port)| named(host, *port)).collect();
        Self { bindings: Bindings::new(&now, &base, hosts), now, base }
    }

    fn of(now: Candidate) -> Self {
        Self::new(now, Candidate::default(), &[])
    }

    /// A change by an operator, with these values in the call; the secrets that would be withheld.
    fn change(&mut self, given: &[&str], change: impl FnOnce(&mut Candidate)) -> Vec<&'static str> {
        let given = given.iter().map(|name| (*name).to_owned()).collect();
        self.change_by(&Requester::Operator { given }, change)
    }

    fn change_by(&mut self, requester: &Requester, change: impl FnOnce(&mut Candidate)) -> Vec<&'static str> {
        let mut new = self.now.clone();
        change(&mut new);
        let refused = self.bindings.refused(requester, &self.now, &new, &self.base);
        if refused.is_empty() {
            self.bindings.follow(requester, &new);
            self.now = new;
        }
        refused.iter().map(|problem| problem.name).collect()
    }
}

#[test]
fn binding_refuses_what_sends_a_stored_password_elsewhere() {
    let changes: [(&str, Change); 6] = [
        ("Host", |d| d.raw.host = "evil.example".into()),
        ("Port", |d| d.raw.port = 1884),
        ("FallbackHosts", |d| d.raw.fallback_hosts = vec!["evil.example".into()]),
        ("FallbackHosts", |d| d.raw.fallback_hosts = vec!["broker.example:9".into()]),
        // Its standard port is another one.
        ("EncryptionMode", |d| d.raw.encryption_mode = "certificate".into()),
        ("Host", |d| (d.raw.host, d.raw.username) = ("evil.example".into(), "other".into())),
    ];
    for (name, change) in changes {
        let mut bench = Bench::of(set());
        assert_eq!(bench.change(&[name], change), ["Password"], "{name}");
        assert_eq!(bench.change_by(&Requester::Root, change), [""; 0], "{name}");
        let mut bench = Bench::of(set());
        assert_eq!(bench.change(&[name, "Password"], change), [""; 0], "{name}");
        let mut bench = Bench::of(set());
        let cleared = bench.change(&[name, "Password"], |d| {
            change(d);
            d.secrets.password = Secret::default();
        });
        assert_eq!(cleared, [""; 0], "{name}");
    }
}

#[test]
fn binding_leaves_other_changes_alone() {
    let mut bench = Bench::of(candidate(|d| {
        *d = set();
        d.raw.fallback_hosts = vec!["second.example".into(), "third.example".into()];
        d.raw.client_certificate = "x".into();
        d.raw.client_certificate.clear();
    }));
    let changes: [Change; 7] = [
        |d| d.raw.scan_qos = 1,
        |d| d.raw.username = "another".into(),
        |d| d.raw.protocol = "mqtt".into(),
        |d| d.raw.host = "BROKER.example.".into(),
        |d| d.raw.fallback_hosts = vec!["third.example:1883".into()],
        |d| d.raw.host = "third.example".into(),
        |d| d.raw.port = 1883,
    ];
    for change in changes {
        assert_eq!(bench.change(&[], change), [""; 0]);
    }
    assert_eq!(bench.change(&[], |d| d.raw.host = "broker.example".into()), ["Password"], "it was let go");
}

#[test]
fn binding_follows_the_protection_of_the_way() {
    let mut bench = Bench::of(candidate(|d| {
        *d = set();
        d.raw.port = 7;
    }));
    assert_eq!(bench.change(&[], |d| d.raw.encryption_mode = "certificate".into()), [""; 0], "more than none");
    assert_eq!(bench.change(&[], |d| d.raw.encryption_mode = "none".into()), ["Password"]);
    assert_eq!(bench.change(&[], |d| d.raw.require_client_certificate = false), [""; 0]);
    let psk = |d: &mut Candidate| {
        d.raw.encryption_mode = "psk".into();
        d.raw.psk_identity = "router".into();
        d.secrets.psk = secret("1234");
    };
    assert_eq!(bench.change(&["EncryptionMode", "PskIdentity", "Psk"], psk), ["Password"]);
    assert_eq!(bench.change(&["EncryptionMode", "PskIdentity", "Psk", "Password"], psk), [""; 0]);
    assert_eq!(bench.change(&["Psk"], |d| d.secrets.psk = secret("5678")), ["Password"], "another key, another broker");
    assert_eq!(bench.change(&["PskIdentity"], |d| d.raw.psk_identity = "other".into()), [""; 0]);
    assert_eq!(bench.change(&["Host"], |d| d.raw.host = "evil.example".into()), ["Password", "Psk"]);
    assert_eq!(bench.change(&["Host", "Password"], |d| d.raw.host = "evil.example".into()), ["Psk"]);
}

#[test]
fn binding_is_not_walked_around_in_steps() {
    let mut bench = Bench::of(set());
    assert_eq!(bench.change(&[], |d| d.raw.username = String::new()), [""; 0]);
    assert_eq!(bench.change(&[], |d| d.raw.host = "evil.example".into()), [""; 0], "it is not in use");
    assert_eq!(bench.change(&[], |d| d.raw.username = "router".into()), ["Password"]);
    assert_eq!(bench.change(&[], |d| d.raw.scan_qos = 1), [""; 0]);
    // After a restart it is not known any more what it was for.
    let mut bench = Bench::of(bench.now);
    assert_eq!(bench.change(&[], |d| d.raw.username = "router".into()), ["Password"]);
    // Back where it was meant to go.
    let mut bench = Bench::of(set());
    bench.change(&[], |d| d.raw.username = String::new());
    assert_eq!(bench.change(&[], |d| d.raw.username = "router".into()), [""; 0]);
}

#[test]
fn binding_of_a_password_given_before_its_user_name() {
    let mut bench = Bench::of(Candidate::default());
    assert_eq!(bench.change(&["Host"], |d| d.raw.host = "broker.example".into()), [""; 0]);
    assert_eq!(bench.change(&["Password"], |d| d.secrets.password = secret("hush")), [""; 0]);
    assert_eq!(bench.change(&["Username"], |d| d.raw.username = "router".into()), [""; 0]);
    // Before its host is named there is none that it is for.
    let mut bench = Bench::of(Candidate::default());
    bench.change(&["Password"], |d| d.secrets.password = secret("hush"));
    bench.change(&["Username"], |d| d.raw.username = "router".into());
    assert_eq!(bench.change(&["Host"], |d| d.raw.host = "broker.example".into()), ["Password"]);
}

fn factory() -> Candidate {
    candidate(|d| d.secrets.password = secret("factory"))
}

#[test]
fn binding_keeps_the_factorys_password_for_the_hosts_that_root_named() {
    let to = |host: &str| {
        let host = host.to_owned();
        move |d: &mut Candidate| (d.raw.host, d.raw.username) = (host, "router".into())
    };
    let mut bench = Bench::new(factory(), factory(), &[]);
    assert_eq!(bench.change(&["Host", "Username"], to("broker.example")), ["Password"]);
    assert_eq!(bench.change_by(&Requester::Root, to("broker.example")), [""; 0]);
    assert_eq!(bench.change(&["Host"], to("evil.example")), ["Password"]);

    let hosts = [("one.example", None), ("two.example", Some(1884))];
    let mut bench = Bench::new(factory(), factory(), &hosts);
    assert_eq!(bench.change(&["Host"], to("evil.example")), ["Password"]);
    assert_eq!(bench.change(&["Host"], to("two.example")), ["Password"], "not at that port");
    assert_eq!(bench.change(&["Host"], to("ONE.example")), [""; 0]);
    assert_eq!(bench.change(&["Host"], |d| (d.raw.host, d.raw.port) = ("two.example".into(), 1884)), [""; 0]);

    // A packaged host is root's word, too.
    let packaged = candidate(|d| {
        *d = factory();
        d.raw.host = "packaged.example".into();
        d.raw.encryption_mode = "certificate".into();
    });
    let mut bench = Bench::new(packaged.clone(), packaged.clone(), &hosts);
    assert_eq!(bench.change(&["Username"], |d| d.raw.username = "router".into()), [""; 0]);
    assert_eq!(bench.change(&["Host"], |d| d.raw.host = "one.example".into()), [""; 0]);
    assert_eq!(
        bench.change(&["EncryptionMode", "Port"], |d| {
            (d.raw.encryption_mode, d.raw.port) = ("none".into(), 8883);
        }),
        ["Password"],
        "with the packaged protection"
    );
}

#[test]
fn binding_is_to_a_value_and_not_to_a_name() {
    let reset = |d: &mut Candidate| d.secrets.password = secret("factory");
    let evil = |d: &mut Candidate| {
        (d.raw.host, d.raw.username) = ("evil.example".into(), "router".into());
        d.secrets.password = secret("own");
    };
    let mut bench = Bench::new(factory(), factory(), &[]);
    assert_eq!(bench.change(&["Host", "Username", "Password"], evil), [""; 0]);
    assert_eq!(bench.change(&[], reset), ["Password"], "Reset gives nothing that the caller knows");
    assert_eq!(bench.change(&[], |d| d.raw.username = String::new()), [""; 0]);
    assert_eq!(bench.change(&[], reset), [""; 0]);
    assert_eq!(bench.change(&[], |d| d.raw.username = "router".into()), ["Password"]);
}

#[test]
fn binding_says_what_to_do_and_no_value() {
    let bench = Bench::of(set());
    let mut new = bench.now.clone();
    (new.raw.host, new.raw.port) = ("evil.example".into(), 1);
    let asks = Requester::Operator { given: vec!["Host".into(), "Port".into()] };
    let refused = bench.bindings.refused(&asks, &bench.now, &new, &bench.base);
    assert_eq!(
        refused.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "Password: expected its value again in the same call, or root as the caller (Host, Port would send the stored one elsewhere \
          or less protected; an empty text removes it)"
        ]
    );
}
