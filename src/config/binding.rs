//! Where a stored secret may go. Secrets are write-only, so a caller who does not know one must not have it sent to a host of
//! his choice, or over a way that he can listen on: it is bound to the destination that it was given for
//! (docs/decisions/0018-bound-secrets.md).

use super::{Candidate, Config, Problem, Secret, Security, SettingSpec, crl, setting};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Who asks for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requester {
    /// It can read the files of the secrets anyway.
    Root,
    /// Anybody else whom the bus lets call.
    Operator {
        /// D-Bus names of the settings whose values are in the call.
        given: Vec<String>,
    },
}

/// The secrets that the other side learns, or can find out by trying. ClientKey is none: it only signs.
const BOUND: [&str; 2] = ["Password", "Psk"];

/// The settings that decide where they go and who can read along.
const ROUTE: [&str; 9] =
    ["Host", "Port", "FallbackHosts", "Username", "EncryptionMode", "PskIdentity", "CaCertificate", "Password", "Psk"];

const EXPECTED: &str = "its value again in the same call, or root as the caller";

/// A host that root named for the factory's secrets, at any port if none is there.
pub(super) type NamedHost = (String, Option<u16>);

/// The brokers of some settings and the way to them.
#[derive(Debug, Clone, PartialEq)]
struct Destination {
    brokers: Vec<(String, u16)>,
    security: Security,
    login: bool,
}

impl Destination {
    /// As if Protocol were `mqtt`. `None` if the settings are not complete, as the packaged ones may be.
    fn of(candidate: &Candidate) -> Option<Self> {
        let mut candidate = candidate.clone();
        candidate.raw.protocol = "mqtt".into();
        let named = !candidate.raw.host.is_empty();
        if !named {
            candidate.raw.host = "unnamed".into();
        }
        let broker = Config::check(&candidate).ok()?.mqtt?.broker;
        let mut brokers = Vec::new();
        if named {
            brokers.push((folded(&broker.host), broker.port));
            brokers.extend(broker.fallbacks.iter().map(|(host, port)| (folded(host), *port)));
        }
        Some(Self { brokers, security: broker.security, login: broker.login.is_some() })
    }

    fn uses(&self, name: &str) -> bool {
        match name {
            "Password" => self.login,
            _ => matches!(self.security, Security::Psk { .. }),
        }
    }

    /// Whether this secret may go on over that way, having gone over this one.
    fn covers(&self, name: &str, way: &Security) -> bool {
        // The key proves itself: it is not sent, whatever else is said on the way.
        name == "Psk" || no_weaker(&self.security, way)
    }
}

/// Host names are the same in upper case, and with the dot of the root.
fn folded(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether nobody can read along who could not before.
fn no_weaker(before: &Security, now: &Security) -> bool {
    match (before, now) {
        (Security::None, _) => true,
        (Security::Psk { key, .. }, Security::Psk { key: other, .. }) => key == other,
        (Security::Certificate { ca, .. }, Security::Certificate { ca: other, .. }) => match (ca, other) {
            // CRLs are renewed all the time.
            (Some(ca), Some(other)) => ca == other || crl::renews(ca, other),
            _ => ca == other,
        },
        _ => false,
    }
}

/// What each stored secret is bound to. It begins with the settings at the start and follows each change.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    /// With the value, so that another one is not taken for it.
    bound: BTreeMap<&'static str, (Secret, Destination)>,
    hosts: Vec<NamedHost>,
    /// The packaged settings, which root wrote.
    packaged: Option<Destination>,
}

impl Bindings {
    pub(super) fn new(candidate: &Candidate, base: &Candidate, hosts: Vec<NamedHost>) -> Self {
        let mut bindings = Self { bound: BTreeMap::new(), hosts, packaged: Destination::of(base) };
        if let Some(destination) = Destination::of(candidate) {
            // One that is not in use was perhaps taken out of use to be sent elsewhere.
            bindings.bind(candidate, &destination, |name| destination.uses(name));
        }
        bindings
    }

    fn bind(&mut self, candidate: &Candidate, destination: &Destination, which: impl Fn(&str) -> bool) {
        for name in BOUND.into_iter().filter(|name| which(name)) {
            self.bound.insert(name, (value(candidate, name).clone(), destination.clone()));
        }
    }

    /// The settings are these now, and this is who made them so.
    pub(super) fn follow(&mut self, requester: &Requester, candidate: &Candidate) {
        let Some(destination) = Destination::of(candidate) else { return };
        self.bind(candidate, &destination, |name| match requester {
            Requester::Root => true,
            Requester::Operator { given } => destination.uses(name) || given.iter().any(|other| other == name),
        });
    }

    /// The secrets that such a change would send where they were not meant to go.
    pub(super) fn refused(
        &self,
        requester: &Requester,
        old: &Candidate,
        new: &Candidate,
        base: &Candidate,
    ) -> Vec<Problem> {
        let Requester::Operator { given } = requester else { return Vec::new() };
        let stored = |candidate: &Candidate| BOUND.into_iter().any(|name| !value(candidate, name).is_empty());
        let destination = if stored(new) { Destination::of(new) } else { None };
        let Some(destination) = destination else { return Vec::new() };
        let open = |name: &&str| {
            let secret = value(new, name);
            !secret.is_empty()
                && destination.uses(name)
                && !given.iter().any(|other| other == name)
                && !self.may_go(name, secret, &destination, secret == value(base, name))
        };
        let changed = new.changed(old);
        let why: Vec<&str> = ROUTE.into_iter().filter(|name| changed.contains(name)).collect();
        let why = if why.is_empty() { "the settings".to_owned() } else { why.join(", ") };
        let detail = format!("{why} would send the stored one elsewhere or less protected; an empty text removes it");
        let problem = |s: &SettingSpec| Problem {
            key: s.key,
            name: s.name,
            expected: EXPECTED,
            detail: Some(Cow::Owned(detail.clone())),
        };
        BOUND.iter().filter(|name| open(name)).filter_map(|name| setting(name)).map(problem).collect()
    }

    fn may_go(&self, name: &str, secret: &Secret, to: &Destination, packaged: bool) -> bool {
        let bound = self.bound.get(name).filter(|(bound, way)| bound == secret && way.covers(name, &to.security));
        let root = self.packaged.as_ref().filter(|root| packaged && root.covers(name, &to.security));
        to.brokers.iter().all(|broker| {
            let named = |(host, port): &NamedHost| *host == broker.0 && port.is_none_or(|port| port == broker.1);
            bound.is_some_and(|(_, way)| way.brokers.contains(broker))
                || root.is_some_and(|root| root.brokers.contains(broker) || self.hosts.iter().any(named))
        })
    }
}

fn value<'a>(candidate: &'a Candidate, name: &str) -> &'a Secret {
    if name == "Password" { &candidate.secrets.password } else { &candidate.secrets.psk }
}

/// A host of the factory's list.
pub(super) fn named(host: &str, port: Option<u16>) -> NamedHost {
    (folded(host), port)
}

#[cfg(test)]
#[path = "binding_tests.rs"]
mod tests;
