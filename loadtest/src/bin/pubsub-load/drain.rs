//! Draining a backlog to one stream, whose client counts and acknowledges.

use super::load::fill;
use super::options::{Drain, Options};
use lclq_loadtest::http2::{Connection, Event, Messages};
use lclq_loadtest::pubsub::{Admin, method, stream_request, take_ack_ids};
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::Server;
use std::io;
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(120);

/// Measures, and reports the median round, the rate by tenths and what is left.
pub fn drain(
    options: &Options,
    how: &Drain,
    wanted: Bound,
    report: &mut Report,
) -> io::Result<f64> {
    let mut rounds = Vec::new();
    for round in 0..how.rounds.max(1) {
        let server = Server::start(&options.setup())?;
        let address = server.pubsub.clone().expect("lclq has one");
        let topic = format!("drain{round}");
        let mut admin = Admin::connect(&address)?;
        admin.create_topic(&topic, 0)?;
        admin.create_subscription(&topic, &topic)?;
        fill(&server, &topic, how.messages, how.body_bytes)?;
        let cpu = server.cpu()?;
        let marks = drain_once(&address, &topic, how.messages)?;
        let cpu = server.cpu()?.saturating_sub(cpu);
        let cpu_us = cpu.as_secs_f64() * 1e6 / how.messages as f64;
        rounds.push((marks, cpu_us));
    }
    rounds.sort_by_key(|(marks, _)| marks[10]);
    let (marks, cpu_us) = &rounds[rounds.len() / 2];
    let rate = how.messages as f64 / marks[10].as_secs_f64();
    let name = format!("{} of {} B waiting", how.messages, how.body_bytes);
    report.add("drain", name.clone(), rate, "messages/s", wanted);
    report.add(
        "drain",
        format!("{name}: server's CPU"),
        *cpu_us,
        "us/message",
        Bound::None,
    );
    let tenths: Vec<String> = marks
        .windows(2)
        .map(|pair| {
            let seconds = (pair[1] - pair[0]).as_secs_f64();
            format!("{:.0}", how.messages as f64 / 10.0 / seconds / 1000.0)
        })
        .collect();
    println!("          thousands/s by tenths: {}", tenths.join(" "));
    let slowest = marks
        .windows(2)
        .map(|pair| how.messages as f64 / 10.0 / (pair[1] - pair[0]).as_secs_f64())
        .fold(f64::MAX, f64::min);
    report.add(
        "drain",
        format!("{name}: slowest tenth"),
        slowest,
        "messages/s",
        Bound::None,
    );
    Ok(rate)
}

/// When each tenth had come, from the stream's opening.
fn drain_once(address: &str, subscription: &str, wanted: usize) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::connect(address, method::STREAMING_PULL)?;
    let begun = Instant::now();
    let request = stream_request(subscription);
    let stream = connection.out.open(method::STREAMING_PULL, &request);
    let mut marks = vec![Duration::ZERO];
    let (mut taken, mut bad) = (0, None);
    let (mut messages, mut acks) = (Messages::default(), Vec::new());
    let seen = std::cell::Cell::new(0);
    connection.wait(
        WAIT,
        |out, event| match event {
            Event::Data { bytes, .. } => {
                messages.take(bytes, |response| {
                    match take_ack_ids(response, &mut acks) {
                        Ok(count) => taken += count,
                        Err(_) => bad = Some("a response can't be read"),
                    }
                    if !acks.is_empty() {
                        out.send(stream, &acks);
                        acks.clear();
                    }
                });
                while marks.len() <= 10 && taken >= wanted * marks.len() / 10 {
                    marks.push(begun.elapsed());
                }
                seen.set(taken);
            }
            Event::End { .. } => bad = Some("the stream ended"),
            Event::Pong => {}
        },
        |event| matches!(event, Event::End { .. }) || seen.get() >= wanted,
    )?;
    match bad {
        Some(why) => Err(io::Error::other(why)),
        None if taken > wanted => Err(io::Error::other("messages came twice")),
        None => Ok(marks),
    }
}
