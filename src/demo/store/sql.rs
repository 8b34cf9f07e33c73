//! The relational store of a service: SQLite in memory, or the PostgreSQL of `DATABASE_URL`, one code path and a span per statement.
//!
//! Opened by each service with its own schema (tables carry the service's name, so two services can share one server); read by routes
//! and tasks. Statements hold placeholders only, so `db.statement` never shows a value.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Any, AnyPool, Executor,
    any::{AnyArguments, AnyPoolOptions, AnyRow},
    query::Query,
};

use crate::{
    demo::{metrics::Metrics, names::STORE},
    support::clock::Stopwatch,
    telemetry::{Outcome, Span, Tracer, attributes::DB_ROWS_AFFECTED, end_span},
};

/// Connections to a PostgreSQL server. An in-memory SQLite has exactly one, because each further one would be another database.
const SERVER_CONNECTIONS: u32 = 8;
/// How long to wait for a connection before the statement fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Where SQLite keeps the embedded database.
const IN_MEMORY: &str = "sqlite::memory:";

/// What went wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It could not be opened.
    #[error("failed to open the {system} database")]
    Open {
        /// `sqlite` or `postgresql`.
        system: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The address is of a product that is not supported.
    #[error("unsupported database address, expected `postgres://…` or `sqlite:…`")]
    Unsupported,
    /// A statement failed.
    #[error("failed to run {operation}: {source}")]
    Run {
        /// First word of the statement.
        operation: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
}

/// A value for a placeholder.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    Text(String),
    MaybeText(Option<String>),
    Int(i64),
    Real(f64),
}

/// A statement and its values.
pub(crate) type Bound = (&'static str, Vec<Bind>);

/// The database of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pool: AnyPool,
    system: &'static str,
    embedded: bool,
    tracer: Tracer,
    metrics: Arc<Metrics>,
}

impl Sql {
    /// Opens the database at `url`, or an embedded one, and makes the tables of `schema`.
    pub(crate) async fn open(
        url: Option<&str>,
        schema: &'static [&'static str],
        tracer: Tracer,
        metrics: Arc<Metrics>,
    ) -> Result<Self, SqlError> {
        sqlx::any::install_default_drivers();
        let address = url.unwrap_or(IN_MEMORY);
        let system = system_of(address)?;
        let connections = if system == "sqlite" { 1 } else { SERVER_CONNECTIONS };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .min_connections(u32::from(url.is_none())) // an in-memory database ends with its last connection
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(url.is_some()) // one in this process cannot have gone away
            .connect(address)
            .await
            .map_err(|source| SqlError::Open { system, source })?;
        create_tables(&pool, schema).await.map_err(|source| SqlError::Open { system, source })?;
        Ok(Self { pool, system, embedded: url.is_none(), tracer, metrics })
    }

    /// Runs a statement and returns how many rows it changed.
    pub(crate) async fn execute(&self, statement: &'static str, binds: Vec<Bind>) -> Result<u64, SqlError> {
        let run = async { bound(statement, binds).execute(&self.pool).await.map(|done| done.rows_affected()) };
        self.spanned(statement, run, |rows| *rows).await
    }

    /// Runs a query and returns its first row, if it has one.
    pub(crate) async fn fetch_optional(&self, statement: &'static str, binds: Vec<Bind>) -> Result<Option<AnyRow>, SqlError> {
        let run = async { bound(statement, binds).fetch_optional(&self.pool).await };
        self.spanned(statement, run, |row| u64::from(row.is_some())).await
    }

    /// Runs all statements in one transaction: all of them, or none.
    pub(crate) async fn transaction(&self, statements: Vec<Bound>) -> Result<(), SqlError> {
        let wrap = |operation| move |source| SqlError::Run { operation, source };
        let mut transaction = self.pool.begin().await.map_err(wrap("BEGIN"))?;
        for (statement, binds) in statements {
            let run = async { bound(statement, binds).execute(&mut *transaction).await.map(|done| done.rows_affected()) };
            self.spanned(statement, run, |rows| *rows).await?;
        }
        transaction.commit().await.map_err(wrap("COMMIT"))
    }

    /// Closes every connection; what comes after fails.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    async fn spanned<T>(
        &self,
        statement: &'static str,
        run: impl Future<Output = Result<T, sqlx::Error>>,
        rows: impl FnOnce(&T) -> u64,
    ) -> Result<T, SqlError> {
        let operation = operation_of(statement);
        let span = self.span(operation, statement);
        let watch = Stopwatch::start();
        let result = span.run(run).await.map_err(|source| SqlError::Run { operation, source });
        self.metrics.query(operation, watch.elapsed());
        match &result {
            Ok(value) => {
                span.set(DB_ROWS_AFFECTED, rows(value) as i64);
                end_span(&span, Outcome::Ok);
            }
            Err(error) => {
                span.record_error_as(class_of(error), error);
                span.end();
            }
        }
        result
    }

    fn span(&self, operation: &'static str, statement: &'static str) -> Span {
        self.tracer
            .database(self.system, operation, Some(statement))
            .with_some(STORE, self.embedded.then_some("embedded"))
            .start()
    }
}

/// `CREATE TABLE IF NOT EXISTS` of two services at once can still collide in PostgreSQL's catalogue; the second try finds the table.
async fn create_tables(pool: &AnyPool, schema: &'static [&'static str]) -> Result<(), sqlx::Error> {
    for statement in schema {
        if pool.execute(*statement).await.is_err() {
            pool.execute(*statement).await?;
        }
    }
    Ok(())
}

fn system_of(url: &str) -> Result<&'static str, SqlError> {
    match url.split(':').next() {
        Some("sqlite") => Ok("sqlite"),
        Some("postgres" | "postgresql") => Ok("postgresql"),
        _ => Err(SqlError::Unsupported),
    }
}

fn operation_of(statement: &'static str) -> &'static str {
    statement.split_whitespace().next().unwrap_or("QUERY")
}

/// Few words for `error.type`.
fn class_of(error: &SqlError) -> &'static str {
    match error {
        SqlError::Run { source: sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut | sqlx::Error::Io(_), .. } => {
            "DatabaseUnavailable"
        }
        _ => "DatabaseError",
    }
}

fn bound(statement: &'static str, binds: Vec<Bind>) -> Query<'static, Any, AnyArguments> {
    binds.into_iter().fold(sqlx::query(statement), |query, bind| match bind {
        Bind::Text(text) => query.bind(text),
        Bind::MaybeText(text) => query.bind(text),
        Bind::Int(number) => query.bind(number),
        Bind::Real(number) => query.bind(number),
    })
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Bind {
    fn from(text: Option<String>) -> Self {
        Self::MaybeText(text)
    }
}

impl From<i64> for Bind {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Bind {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}
