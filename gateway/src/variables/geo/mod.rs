//! What GeoIP2 databases know of the client's address, as nginx: ngx_http_geoip2_module.
//!
//! The databases are read into memory: when they are switched on, before the table is served that asks them, and later in the
//! background, when their files have changed.

mod database;
#[cfg(test)]
mod tests;

use crate::config::{GeoDatabase, GeoSettings, GeoVariable, Origin, Rejection, Subject};
use arc_swap::ArcSwap;
use database::Database;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The databases of the process.
#[derive(Debug, Default)]
pub struct GeoIp {
    databases: ArcSwap<Vec<(GeoDatabase, Arc<Database>)>>,
    settings: watch::Sender<GeoSettings>,
    /// Held while files are read.
    reading: Mutex<()>,
}

/// No database has the value, because none is there that could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDatabase;

impl GeoIp {
    /// Takes new settings, and reads the databases that they name. Blocks, so it has no place on a worker. Returns what
    /// cannot be read.
    pub(crate) fn configure(&self, settings: &GeoSettings) -> Vec<Rejection> {
        let _reading = self.reading.lock();
        let mut rejected = Vec::new();
        let mut databases = Vec::new();
        for edition in settings.editions.iter().filter(|_| settings.is_enabled) {
            match Self::of_edition(edition, settings) {
                Ok(database) => databases.push(database),
                Err(message) => {
                    let origin = Origin::new(Subject::other("GeoIP2 databases"), "use-geoip2");
                    rejected.push(Rejection::new(origin, Arc::clone(edition), message));
                }
            }
        }
        self.databases.store(Arc::new(databases));
        self.settings.send_replace(settings.clone());
        rejected
    }

    /// The database of this name, or what is wrong with it.
    fn of_edition(edition: &str, settings: &GeoSettings) -> Result<(GeoDatabase, Arc<Database>), String> {
        const UNKNOWN: &str = "is not a database that makes variables: expected GeoLite2 or GeoIP2 with -Country, -City or \
                               -ASN, or GeoIP2 with -ISP, -Connection-Type or -Anonymous-IP";
        const EFFECT: &str = "its variables have no value, and rules of snippets that ask for them answer 500";
        let kind = GeoDatabase::of_edition(edition).ok_or(UNKNOWN)?;
        let database = Database::read(&settings.directory.join(format!("{edition}.mmdb")));
        Ok((kind, Arc::new(database.map_err(|error| format!("cannot be read: {error}; {EFFECT}"))?)))
    }

    /// Reads files that have changed, as often as the settings say, until the future is dropped.
    pub async fn follow(self: Arc<Self>) {
        let mut settings = self.settings.subscribe();
        loop {
            let period = settings.borrow_and_update().reload;
            let due = async {
                match period {
                    Duration::ZERO => std::future::pending().await,
                    period => tokio::time::sleep(period).await,
                }
            };
            tokio::select! {
                changed = settings.changed() => if changed.is_err() { return },
                () = due => {
                    let databases = Arc::clone(&self);
                    // An error is a panic, which has been reported.
                    let _ = tokio::task::spawn_blocking(move || databases.reload()).await;
                }
            }
        }
    }

    /// Reads the databases whose files have changed. One that cannot be read stays as it is.
    fn reload(&self) {
        let _reading = self.reading.lock();
        let former = self.databases.load();
        let mut databases = Vec::clone(&former);
        for (_, database) in &mut databases {
            match database.reread() {
                Ok(None) => {}
                Ok(Some(newer)) => {
                    tracing::info!(file = %newer.path().display(), "a GeoIP2 database has changed");
                    *database = Arc::new(newer);
                }
                Err(error) => {
                    let file = database.path().display();
                    tracing::warn!(%file, %error, "a GeoIP2 database cannot be read: what was in it stays in use");
                }
            }
        }
        self.databases.store(Arc::new(databases));
    }

    /// Appends the value of a variable for a client.
    ///
    /// # Errors
    /// None of the databases is there that may have it.
    pub fn value(&self, variable: &GeoVariable, client: IpAddr, out: &mut Vec<u8>) -> Result<bool, NoDatabase> {
        let databases = self.databases.load();
        let mut answers = variable.sources.iter().flat_map(|source| {
            let databases = databases.iter().filter(|(kind, _)| *kind == source.database);
            databases.map(move |(_, database)| (source, database))
        });
        let mut is_known = false;
        let has_value = answers.any(|(source, database)| {
            is_known = true;
            database.value(source, client, out)
        });
        if is_known { Ok(has_value) } else { Err(NoDatabase) }
    }
}
