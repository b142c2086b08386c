//! The interfaces as they are served: what zbus generates, but for two things.
//!
//! A generated setter answers a wrong type with a text that does not name the property, and tells a change by itself, also
//! when nothing changed, so that it would be told twice. And a generated `GetAll` reads one property after the other, while what
//! they tell changes.

use super::config::Config;
use super::stats::Stats;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::fmt::Write;
use zbus::export::async_trait::async_trait;
use zbus::message::{Header, Message};
use zbus::names::{InterfaceName, MemberName};
use zbus::object_server::{DispatchResult, Interface, SignalEmitter};
use zbus::{BoxDBusError, Connection, ObjectServer, OwnedVariant, Variant, fdo};

/// See the module.
pub(super) struct Quiet<I>(pub(super) I);

/// An interface that can be served so.
pub(super) trait Quietly: Interface + Sized {
    /// The same, all of whose properties are of this moment.
    fn moment(&self) -> Self;

    /// Sets a property; `None` if there is none of this name that can be set.
    fn write<'call>(
        &'call self,
        name: &'call str,
        value: &'call Variant<'_>,
        by: Option<Header<'call>>,
        bus: &'call Connection,
    ) -> BoxFuture<'call, Option<Result<(), BoxDBusError>>>;
}

impl Quietly for Config {
    fn moment(&self) -> Self {
        self.snapshot()
    }

    fn write<'call>(
        &'call self,
        name: &'call str,
        value: &'call Variant<'_>,
        by: Option<Header<'call>>,
        bus: &'call Connection,
    ) -> BoxFuture<'call, Option<Result<(), BoxDBusError>>> {
        Box::pin(self.set_by_name(name, value, by, bus))
    }
}

impl Quietly for Stats {
    fn moment(&self) -> Self {
        self.snapshot()
    }

    fn write<'call>(
        &'call self,
        _: &'call str,
        _: &'call Variant<'_>,
        _: Option<Header<'call>>,
        _: &'call Connection,
    ) -> BoxFuture<'call, Option<Result<(), BoxDBusError>>> {
        Box::pin(std::future::ready(None))
    }
}

#[async_trait]
impl<I: Quietly> Interface for Quiet<I> {
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
        self.0.get(name, server, connection, header, emitter).await
    }

    async fn get_all(
        &self,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> fdo::Result<HashMap<String, OwnedVariant>> {
        self.0.moment().get_all(server, connection, header, emitter).await
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
            self.0.write(name, value, header.cloned(), bus).await.unwrap_or_else(unknown)
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
        self.0.introspect_to_writer(writer, level);
    }
}
