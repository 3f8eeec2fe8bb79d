//! Machines of a network of their own, as network namespaces: each has an address that all others reach, until a
//! fault cuts one off.

use crate::server::NOBODY;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// Where namespaces are, by their names.
const NAMESPACES: &str = "/run/netns";
/// Networks for measurements, which nobody else should use (RFC 2544): one of them is taken.
const NETWORKS: &str = "198.18";
/// The test's own address, and that of the first machine.
const OWN_HOST: u8 = 1;
const FIRST_HOST: u8 = 11;

/// What has to be taken away when the process is asked to end.
static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());

#[derive(Clone)]
enum Made {
    Namespace(String),
    Bridge(String),
}

/// Machines and what connects them. Taken away when dropped.
pub struct Network {
    number: u8,
    machines: Vec<String>,
}

impl Network {
    /// So many machines.
    ///
    /// # Errors
    /// Says what this machine doesn't allow.
    pub fn new(machines: usize) -> Result<Self, String> {
        let pid = std::process::id();
        let bridge = format!("lq{pid}");
        let number = free_network()?;
        let mut network = Self {
            number,
            machines: Vec::new(),
        };
        note(Made::Bridge(bridge.clone()));
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        let own = format!("{NETWORKS}.{number}.{OWN_HOST}/24");
        ip(&["address", "add", &own, "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        for machine in 0..machines {
            let name = format!("lclq-{pid}-{machine}");
            note(Made::Namespace(name.clone()));
            ip(&["netns", "add", &name])?;
            let (cable, plug) = (format!("lq{pid}v{machine}"), "eth0");
            let veth = ["type", "veth", "peer", "name", plug, "netns", &name];
            ip(&[&["link", "add", &cable][..], &veth].concat())?;
            ip(&["link", "set", &cable, "master", &bridge, "up"])?;
            network.machines.push(name.clone());
            let address = format!("{}/24", network.address(machine));
            let inside = ["-n", &name];
            ip(&[&inside[..], &["address", "add", &address, "dev", plug]].concat())?;
            for device in ["lo", plug] {
                ip(&[&inside[..], &["link", "set", device, "up"]].concat())?;
            }
        }
        Ok(network)
    }

    /// A machine's address.
    pub fn address(&self, machine: usize) -> String {
        format!(
            "{NETWORKS}.{}.{}",
            self.number,
            usize::from(FIRST_HOST) + machine
        )
    }

    /// What becomes a program on a machine, given its path and arguments.
    pub fn within(&self, machine: usize) -> Command {
        let entry = self.entry(machine);
        let mut command = Command::new(&entry[0]);
        command.args(&entry[1..]).arg("--");
        command
    }

    /// The same for a user without rights.
    pub fn within_as_nobody(&self, machine: usize) -> Vec<String> {
        let mut entry = self.entry(machine);
        for whom in ["--setuid", "--setgid"] {
            entry.extend([whom.to_owned(), NOBODY.to_string()]);
        }
        entry.push("--".to_owned());
        entry
    }

    fn entry(&self, machine: usize) -> Vec<String> {
        let namespace = format!("--net={NAMESPACES}/{}", self.machines[machine]);
        vec!["nsenter".to_owned(), namespace]
    }

    /// From now on nothing that one machine sends to another arrives.
    pub fn cut(&self, from: usize, to: usize) {
        let source = self.address(from);
        self.filter(to, &["-A", "INPUT", "-s", &source, "-j", "DROP"]);
    }

    /// Everything arrives again.
    pub fn heal(&self) {
        for machine in 0..self.machines.len() {
            self.filter(machine, &["-F", "INPUT"]);
        }
    }

    fn filter(&self, machine: usize, rule: &[&str]) {
        let mut command = self.within(machine);
        command.args(["iptables", "-w"]).args(rule);
        done(&mut command).expect("packets can be dropped");
    }

    /// Whether packets can be dropped at all.
    pub fn can_cut(&self) -> Result<(), String> {
        let mut command = self.within(0);
        command.args(["iptables", "-w", "-F", "INPUT"]);
        done(&mut command)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        take_away();
    }
}

/// Takes away all machines, and ends what runs on them.
pub fn take_away() {
    let mut all = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(made) = all.pop() {
        match made {
            Made::Namespace(name) => {
                // Processes of this test: nobody else is on its machines.
                let inside = Command::new("ip").args(["netns", "pids", &name]).output();
                let inside = inside.map(|output| output.stdout).unwrap_or_default();
                for pid in String::from_utf8_lossy(&inside).split_whitespace() {
                    let _ = Command::new("kill").args(["-KILL", pid]).output();
                }
                let _ = ip(&["netns", "delete", &name]);
            }
            Made::Bridge(name) => {
                let _ = ip(&["link", "delete", &name]);
            }
        }
    }
}

fn note(made: Made) {
    MADE.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(made);
}

/// The third number of a network to which no route leads.
fn free_network() -> Result<u8, String> {
    let known = Command::new("ip").args(["-4", "route", "show"]).output();
    let known = known.map_err(|error| format!("ip can't be run: {error}"))?;
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    let start = std::process::id() as u8;
    (0..=u8::MAX)
        .map(|step| start.wrapping_add(step))
        .find(|number| !known.contains(&format!("{NETWORKS}.{number}.")))
        .ok_or_else(|| format!("all networks of {NETWORKS}.0.0/16 are in use"))
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    done(Command::new("ip").args(arguments))
}

fn done(command: &mut Command) -> Result<(), String> {
    let Output { status, stderr, .. } = command
        .output()
        .map_err(|error| format!("{} can't be run: {error}", program(command)))?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&stderr);
    let arguments: Vec<_> = command
        .get_args()
        .map(|text| text.to_string_lossy())
        .collect();
    let arguments = arguments.join(" ");
    Err(format!("{} {arguments}: {}", program(command), said.trim()))
}

fn program(command: &Command) -> String {
    Path::new(command.get_program()).display().to_string()
}
