//! `GET /export` and `POST /import`.

use super::super::Admin;
use super::super::answers::{AdminBody, AdminError, AdminResult};
use super::super::route::{Asked, ZSTD, ZstdStream};
use super::InUse;
use super::exporter::Exporter;
use super::importer::{Done, Importer, OnConflict, Options};
use super::only::Only;
use super::slices::{ClientGone, Reader, Writer, bad_file};
use crate::http::ReplyBody;
use crate::portable::{BadFile, Counts, End, FORMAT, Header, Line, to_line};
use crate::runtime::{spawn_local, yield_now};
use bytes::Bytes;
use futures_util::stream::poll_fn;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use hyper::body::Incoming;
use lclq_shards::portable::SEQUENCE_MAX;
use schemars::JsonSchema;
use serde::Deserialize;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};

/// For reading on what a client sends that has been refused.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);

/// Pieces of an export that wait for the client at most.
const PIECES_MAX: usize = 4;

/// What to export.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct ExportQuery {
    /// `queue=NAME`, `topic=NAME` or `schema=NAME`, where a name may end in `*`; may be given many
    /// times. Everything where absent.
    #[serde(default)]
    only: Vec<String>,
}

/// How to import.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct ImportQuery {
    /// Which of what the file has, as for an export.
    #[serde(default)]
    only: Vec<String>,
    /// What becomes of what there is already.
    #[serde(default)]
    on_conflict: OnConflict,
    /// Whether only to tell what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// Answers with the export.
pub(in crate::admin) async fn export(
    admin: Rc<Admin>,
    asked: Asked<ExportQuery>,
) -> AdminResult<Response<AdminBody>> {
    let only = Only::of(&asked.query.only)?;
    let body = if asked.head.method == Method::HEAD {
        AdminBody::from(ReplyBody::empty())
    } else {
        let in_use = admin.portable.take()?;
        let exporter = Exporter::open(&admin.mesh, only).await?;
        let (client, mut pieces) = mpsc::channel(PIECES_MAX);
        spawn_local(send(exporter, client, in_use));
        AdminBody::Stream(Box::pin(poll_fn(move |cx| pieces.poll_recv(cx))))
    };
    let mut answer = Response::new(body);
    let zstd = HeaderValue::from_static(ZSTD);
    answer.headers_mut().insert(CONTENT_TYPE, zstd);
    Ok(answer)
}

/// Sends all that there is. Where that fails, the connection is broken off.
async fn send(mut exporter: Exporter, client: Sender<io::Result<Bytes>>, in_use: InUse) {
    let told = client.clone();
    let sent = write_all(&mut exporter, client).await;
    drop(exporter);
    drop(in_use);
    if let Err(error) = sent {
        let error = error.map_or_else(
            || "its client has gone, or takes nothing".to_owned(),
            |error| error.message,
        );
        tracing::warn!(error, "an export was broken off");
        // Where there is no room for it, its end comes too early all the same.
        let _ = told.try_send(Err(io::Error::other(error)));
    }
}

async fn write_all(
    exporter: &mut Exporter,
    client: Sender<io::Result<Bytes>>,
) -> Result<(), Option<AdminError>> {
    let gone = |ClientGone| None;
    let mut writer = Writer::new(client).map_err(|error| Some(AdminError::unavailable(error)))?;
    let header = Header {
        name: Header::NAME.to_owned(),
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        exported_at: exporter.at(),
        sequence: exporter.sequence(),
        deduplication_secret: exporter.secret().into(),
    };
    writer.write(&Line::Header(header)).await.map_err(gone)?;
    let mut counts = Counts::default();
    while let Some((shard, pieces)) = exporter.next().await.map_err(Some)? {
        for piece in pieces {
            let line = to_line(shard, piece);
            counts.add(&line);
            writer.write(&line).await.map_err(gone)?;
        }
        yield_now().await;
    }
    let end = Line::End(End { counts });
    writer.write(&end).await.map_err(gone)?;
    writer.finish().await.map_err(gone)
}

/// Takes an export up.
pub(in crate::admin) async fn import(
    admin: Rc<Admin>,
    asked: Asked<ImportQuery, ZstdStream>,
) -> AdminResult<Done> {
    let time_max = Duration::from_millis(admin.limits.body_read_ms_max);
    let mut reader = Reader::new(asked.body.0, time_max)?;
    let taken = take_all(&admin, asked.query, &mut reader).await;
    if taken.is_err() {
        reader.drain(DRAIN_TIME_MAX).await;
    }
    taken
}

/// Reads a body that nobody wants, so that a client that is still sending gets to see the answer.
pub(in crate::admin) async fn drain(body: Incoming) {
    // What it says doesn't matter, so neither does when its next piece comes.
    if let Ok(reader) = Reader::new(body, DRAIN_TIME_MAX) {
        reader.drain(DRAIN_TIME_MAX).await;
    }
}

async fn take_all(admin: &Admin, query: ImportQuery, reader: &mut Reader) -> AdminResult<Done> {
    let options = Options {
        on_conflict: query.on_conflict,
        dry_run: query.dry_run,
        only: Only::of(&query.only)?,
    };
    let _in_use = admin.portable.take()?;
    let header = match reader.next().await? {
        Some(Line::Header(header)) => header,
        Some(_) => {
            let text = "it is no export of lclq: it doesn't begin as one";
            return Err(bad_file(BadFile(text.to_owned())));
        }
        None => {
            let text = "the export is cut off: it has no header";
            return Err(bad_file(BadFile(text.to_owned())));
        }
    };
    check_header(&header)?;
    let secret = header.deduplication_secret.0;
    let mut importer = Importer::begin(&admin.mesh, options, header.sequence, secret).await?;
    let taken = take_lines(&mut importer, reader).await;
    // What was begun is ended, so that what is told is true.
    let finished = importer.finish().await;
    let outcome = taken.and(finished);
    let done = importer.so_far();
    if !done.dry_run {
        tracing::info!(
            queues = done.queues,
            messages = done.messages,
            topics = done.topics,
            published = done.published,
            whole = outcome.is_ok(),
            "imported"
        );
    }
    match outcome {
        Ok(()) => Ok(done.clone()),
        Err(error) if done.dry_run => Err(error),
        Err(mut error) => {
            error.message = format!(
                "{}; {} queues, {} topics and {} messages before that were imported and stay",
                error.message,
                done.queues,
                done.topics,
                done.messages + done.published
            );
            Err(error)
        }
    }
}

async fn take_lines(importer: &mut Importer, reader: &mut Reader) -> AdminResult<()> {
    let mut counts = Counts::default();
    let mut end = None;
    while let Some(line) = reader.next().await? {
        if end.is_some() {
            return Err(bad_file(BadFile(
                "the export goes on after its end".to_owned(),
            )));
        }
        counts.add(&line);
        if let Line::End(found) = line {
            end = Some(found);
        } else if let Some((shard, piece)) = line.into_piece().map_err(bad_file)? {
            importer.take(shard, piece).await?;
        }
    }
    match end {
        Some(End { counts: written }) if written == counts && reader.is_whole() => Ok(()),
        Some(_) => Err(bad_file(BadFile(
            "the export isn't what was written: its end counts otherwise".to_owned(),
        ))),
        None => Err(bad_file(BadFile(
            "the export is cut off: it has no end".to_owned(),
        ))),
    }
}

fn check_header(header: &Header) -> AdminResult<()> {
    let refused = |text: String| Err(bad_file(BadFile(text)));
    if header.name != Header::NAME {
        return refused("it is no export of lclq".to_owned());
    }
    if header.format > FORMAT {
        return refused(format!(
            "the export has format {}, and this version of lclq reads formats up to {FORMAT}; it \
             was written by lclq {}",
            header.format, header.version
        ));
    }
    if header.sequence > SEQUENCE_MAX {
        return refused(format!("its sequence numbers are above {SEQUENCE_MAX}"));
    }
    Ok(())
}
