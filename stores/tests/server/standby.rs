//! A standby that takes the place of its primary.

use super::{Place, Server, directory, programs};
use std::io::Write as _;
use std::path::Path;

/// Which setting names the standbys that commits wait for.
const WAITED_FOR: &str = "synchronous_standby_names";

impl Server {
    /// A standby of this server, whose commits wait for it from now on.
    pub fn synchronous_standby(&self, place: Place) -> Self {
        let programs = programs::find();
        let directory = directory();
        let data = directory.path().join("data");
        let copied = place
            .command(&programs::beside(&programs, "pg_basebackup"))
            .args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf"])
            .args(["--wal-method=stream", "--username=lclq"])
            .args(["--host", &self.place.address])
            .args(["--port", &self.place.port.to_string()])
            .arg("--pgdata")
            .arg(&data)
            .current_dir(directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&copied.stderr);
        assert!(copied.status.success(), "pg_basebackup: {said}");
        // Once it is a primary it has no standby.
        let settings = data.join("postgresql.auto.conf");
        let text = std::fs::read_to_string(&settings).unwrap();
        let kept = text.lines().filter(|line| !line.starts_with(WAITED_FOR));
        let kept: Vec<&str> = kept.collect();
        std::fs::write(&settings, kept.join("\n") + "\n").unwrap();
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let standby = Self::of(directory, programs, place, &options);
        standby.go_on(&[]);
        let by_hand = self.by_hand();
        let wait = format!("ALTER SYSTEM SET {WAITED_FOR} = '*'");
        by_hand.run(&wait).unwrap();
        by_hand.run("SELECT pg_reload_conf()").unwrap();
        by_hand.wait_for(
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
            1,
        );
        standby
    }

    /// Makes a standby the primary, and waits until it is.
    pub fn promote(&self) {
        assert_eq!(self.by_hand().number("SELECT pg_promote()::int"), 1);
    }
}

/// Lets everybody in who has an address of the same network as the server.
pub(super) fn let_neighbours_in(data: &Path) {
    let rules = std::fs::File::options()
        .append(true)
        .open(data.join("pg_hba.conf"));
    rules
        .unwrap()
        .write_all(b"host all all samenet trust\nhost replication all samenet trust\n")
        .unwrap();
}
