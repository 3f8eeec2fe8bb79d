//! PgBouncer between a server and those who ask, whose transactions meet whichever session is free.

use super::{
    NOBODY, START_PAUSE, START_WAIT, Server, as_somebody, directory, free_port, is_root, runtime,
};
use lclq_stores::{PostgresSettings, StoreNode, Surroundings};
use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Sessions for all: fewer than there are connections in most tests.
const SESSIONS: u32 = 4;

/// It runs as long as this is there.
pub struct Pooler {
    directory: TempDir,
    process: Child,
    port: u16,
}

impl Pooler {
    pub fn before(server: &Server) -> Self {
        let directory = directory();
        let port = free_port();
        let users = directory.path().join("users");
        fs::write(&users, "\"lclq\" \"\"\n").unwrap();
        let settings = format!(
            "[databases]\npostgres = host=127.0.0.1 port={} dbname=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {SESSIONS}\nserver_reset_query_always = 0\n",
            server.port(),
            users.display()
        );
        let file = directory.path().join("settings");
        fs::write(&file, settings).unwrap();
        if is_root() {
            for path in [&users, &file] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let process = as_somebody(&program())
            .arg(&file)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let pooler = Self {
            directory,
            process,
            port,
        };
        let until = Instant::now() + START_WAIT;
        while let Err(error) = runtime().block_on(tokio_postgres::connect(&pooler.url(), NoTls)) {
            assert!(Instant::now() < until, "{error}: {}", pooler.log());
            std::thread::sleep(START_PAUSE);
        }
        pooler
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn url(&self) -> String {
        format!(
            "postgres://lclq@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    /// The URL of a store.
    pub fn store(&self, schema: &str) -> String {
        format!("{}&pooling=transaction&schema={schema}", self.url())
    }

    pub fn node(&self, schema: &str, shards: u16) -> StoreNode {
        let settings = PostgresSettings::new(&self.store(schema), Some(shards)).unwrap();
        StoreNode::start(settings, Surroundings::default()).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// One named by `LCLQ_PGBOUNCER`, or that of the machine.
fn program() -> PathBuf {
    let named = std::env::var_os("LCLQ_PGBOUNCER").map(PathBuf::from);
    let found = named.unwrap_or_else(|| "/usr/sbin/pgbouncer".into());
    let runs = Command::new(&found).arg("--version").output();
    let runs = runs.is_ok_and(|said| said.status.success());
    assert!(
        runs,
        "name PgBouncer by LCLQ_PGBOUNCER; tests/pgbouncer installs it"
    );
    found
}
