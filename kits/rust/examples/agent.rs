//! Answers kits/contract/run.py by lclq-testkit and AWS' SDK.

#[path = "../tests/support/mod.rs"]
mod support;

use lclq_testkit::{Sandbox, Server};
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};
use std::time::Duration;
use support::{Outcome, PubSub, receive, send, sqs};

struct Clients {
    sandbox: Sandbox,
    sqs: aws_sdk_sqs::Client,
    pubsub: PubSub,
}

#[derive(Default)]
struct Agent {
    servers: Vec<Option<Server>>,
    sandboxes: Vec<Clients>,
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request[name].as_str().unwrap_or_default()
}

fn index(request: &Value, name: &str) -> usize {
    request[name].as_u64().unwrap_or_default() as usize
}

impl Agent {
    fn server(&self, request: &Value) -> Outcome<&Server> {
        let server = self.servers.get(index(request, "server"));
        Ok(server
            .and_then(Option::as_ref)
            .ok_or("the server is stopped")?)
    }

    fn start(&mut self, request: &Value) -> Outcome<Value> {
        let flags: Vec<String> = serde_json::from_value(request["args"].clone())?;
        let server = Server::start_with(&flags)?;
        let answer = json!({
            "server": self.servers.len(),
            "pid": null,
            "endpoint": server.endpoint(),
            "pubsub": server.pubsub(),
            "admin": server.admin(),
        });
        self.servers.push(Some(server));
        Ok(answer)
    }

    fn sandbox(&mut self, request: &Value) -> Outcome<Value> {
        let sandbox = self.server(request)?.sandbox();
        let number = self.sandboxes.len();
        let answer = json!({
            "sandbox": number,
            "account": sandbox.account(),
            "project": sandbox.project(),
        });
        self.sandboxes.push(Clients {
            sqs: sqs(&sandbox, 1),
            pubsub: PubSub::new(&sandbox)?,
            sandbox,
        });
        Ok(answer)
    }

    async fn answer(&mut self, request: &Value) -> Outcome<Value> {
        let done = || Ok(json!({}));
        match text(request, "op") {
            "start" => return self.start(request),
            "sandbox" => return self.sandbox(request),
            "stop" => {
                let stopped = self.servers.get_mut(index(request, "server"));
                if let Some(server) = stopped.and_then(Option::take) {
                    server.stop()?;
                }
                return done();
            }
            "advance" => {
                let seconds = request["seconds"].as_f64().unwrap_or_default();
                let by = Duration::from_secs_f64(seconds);
                self.server(request)?.clock().advance(by)?;
                return done();
            }
            "fault" => {
                let name = self.server(request)?.faults().set(&request["rule"])?;
                return Ok(json!({ "name": name }));
            }
            "clear_faults" => {
                self.server(request)?.faults().clear()?;
                return done();
            }
            _ => {}
        }
        let here = self.sandboxes.get(index(request, "sandbox"));
        let here = here.ok_or("there is no such sandbox")?;
        match text(request, "op") {
            "end" => here.sandbox.reset()?,
            "send" => {
                let delay_s = i32::try_from(request["delay_s"].as_i64().unwrap_or_default())?;
                let (queue, body) = (text(request, "queue"), text(request, "body"));
                send(&here.sqs, queue, body, delay_s).await?;
            }
            "receive" => {
                let messages = receive(&here.sqs, text(request, "queue")).await?;
                return Ok(json!({ "messages": messages }));
            }
            "publish" => {
                let (topic, data) = (text(request, "topic"), text(request, "data"));
                here.pubsub.publish(topic, data).await?;
            }
            "pull" => {
                let messages = here.pubsub.pull(text(request, "topic")).await?;
                return Ok(json!({ "messages": messages }));
            }
            op => return Err(format!("there is no {op}").into()),
        }
        done()
    }
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut agent = Agent::default();
        for line in io::stdin().lock().lines() {
            let request = serde_json::from_str(&line?)?;
            let answer = agent.answer(&request).await;
            let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
            println!("{answer}");
            io::stdout().flush()?;
        }
        Ok(())
    })
}
