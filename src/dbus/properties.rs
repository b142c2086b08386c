//! The interfaces as they are served: methods as zbus generates them, properties of one moment.
//!
//! A generated setter answers a wrong type with a text that does not name the property, and tells a change by itself, also
//! when nothing changed, so that it would be told twice. And a generated `GetAll` reads one property after the other, while what
//! they tell changes.

use super::vardict::owned;
use std::collections::HashMap;
use std::fmt::Write;
use zbus::export::async_trait::async_trait;
use zbus::message::{Header, Message};
use zbus::names::{InterfaceName, MemberName};
use zbus::object_server::{DispatchResult, Interface, SignalEmitter};
use zbus::{BoxDBusError, Connection, ObjectServer, OwnedVariant, Variant, fdo};

/// An interface with its properties, as D-Bus sees it.
pub(super) struct Served<I>(pub(super) I);

/// What is not generated. A property of an interface is generated, or one of these.
pub(super) trait Properties: Interface + Sized {
    /// The same, all of whose generated properties are of this moment, if they are not anyway.
    fn snapshot(&self) -> Option<Self> {
        None
    }

    /// Names and values of the properties that are not generated.
    fn properties(&self) -> impl Iterator<Item = (&'static str, impl FnOnce() -> Variant<'static>)> {
        std::iter::empty::<(&str, fn() -> Variant<'static>)>()
    }

    /// Their introspection data.
    fn introspect(&self, _text: &mut String, _level: usize) -> std::fmt::Result {
        Ok(())
    }

    /// Sets a property; `None` if there is none of this name that can be set.
    fn write(
        &self,
        _name: &str,
        _value: &Variant<'_>,
        _by: Option<&Header<'_>>,
        _bus: &Connection,
    ) -> impl Future<Output = Option<Result<(), BoxDBusError>>> + Send {
        std::future::ready(None)
    }
}

#[async_trait]
impl<I: Properties> Interface for Served<I> {
    fn name() -> InterfaceName<'static> {
        I::name()
    }

    async fn get(
        &self,
        name: &str,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<Result<OwnedVariant, BoxDBusError>> {
        let own = self.0.properties().find(|(own, _)| *own == name).map(|(_, value)| owned(value()));
        match own {
            Some(value) => Some(Ok(value)),
            None => self.0.get(name, server, connection, header, emitter).await,
        }
    }

    async fn get_all(
        &self,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> fdo::Result<HashMap<String, OwnedVariant>> {
        let snapshot = self.0.snapshot();
        let now = snapshot.as_ref().unwrap_or(&self.0);
        let mut all = now.get_all(server, connection, header, emitter).await?;
        all.extend(now.properties().map(|(name, value)| (name.to_owned(), owned(value()))));
        Ok(all)
    }

    fn set<'call>(
        &'call self,
        name: &'call str,
        value: &'call Variant<'_>,
        _: &'call ObjectServer,
        bus: &'call Connection,
        header: Option<&'call Header<'_>>,
        _: &'call SignalEmitter<'_>,
    ) -> DispatchResult<'call> {
        DispatchResult::Async(Box::pin(async move {
            let unknown =
                || Err(fdo::Error::UnknownProperty(format!("{name}: no such property can be written")).into());
            self.0.write(name, value, header, bus).await.unwrap_or_else(unknown)
        }))
    }

    async fn set_mut(
        &mut self,
        _: &str,
        _: &Variant<'_>,
        _: &ObjectServer,
        _: &Connection,
        _: Option<&Header<'_>>,
        _: &SignalEmitter<'_>,
    ) -> Option<Result<(), BoxDBusError>> {
        None
    }

    fn call<'call>(
        &'call self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        self.0.call(server, connection, message, name)
    }

    fn call_mut<'call>(
        &'call mut self,
        _: &'call ObjectServer,
        _: &'call Connection,
        _: &'call Message,
        _: MemberName<'call>,
    ) -> DispatchResult<'call> {
        DispatchResult::NotFound
    }

    fn introspect_to_writer(&self, writer: &mut dyn Write, level: usize) {
        let mut text = String::new();
        self.0.introspect_to_writer(&mut text, level);
        let end = format!("{:level$}</interface>\n", "");
        text.truncate(text.strip_suffix(&*end).map_or(text.len(), str::len));
        // Writing to memory does not fail.
        let _ = self.0.introspect(&mut text, level + 2).and_then(|()| write!(writer, "{text}{end}"));
    }
}
