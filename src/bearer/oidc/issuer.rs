//! One issuer: its keys as they are known, and when they are fetched.

use super::fetch::Source;
use super::keys::KeySet;
use crate::runtime::timeout;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Time between fetches where all is well, s.
const FETCH_SECONDS: u64 = 3600;

/// A token with an unknown key has the keys fetched no sooner after the last fetch began, s: whoever
/// makes up keys' names would have the issuer asked without end.
const ASKED_FETCH_SECONDS_MIN: u64 = 10;

/// Time after a fetch that failed, s: the least at first, twice as long each time after that.
const RETRY_SECONDS_MIN: u64 = 1;
const RETRY_SECONDS_MAX: u64 = 60;

/// How long keys are believed that can't be fetched again, s: one of them may have been given up.
const UNCONFIRMED_SECONDS_MAX: u64 = 24 * 3600;

/// How long a request waits for a fetch, s.
const WAIT_SECONDS_MAX: u64 = 2;

/// An issuer, for all cores and its thread.
pub(super) struct Issuer {
    url: String,
    keys: RwLock<Arc<KeySet>>,
    /// Changes with the keys of any issuer.
    version: Arc<AtomicU64>,
    turn: Mutex<Turn>,
    /// Something of `turn` has changed.
    turned: Condvar,
    /// Fetches that have ended.
    fetched: watch::Sender<u64>,
}

/// Whose turn it is, the thread's or the clock's. Locked for moments: cores look at it.
#[derive(Default)]
struct Turn {
    begun: Option<Instant>,
    is_under_way: bool,
    is_asked_for: bool,
    /// Nobody needs keys any more.
    is_over: bool,
}

/// A fetch of keys that a request waits for, on its core.
pub struct KeysAwaited {
    fetched: watch::Receiver<u64>,
    /// How many had ended when it began to wait.
    before: u64,
    /// Counts who waits.
    _place: Rc<()>,
}

impl KeysAwaited {
    /// Waits until the fetch has ended, and for no longer than a request may.
    pub async fn wait(mut self) {
        let ended = self.fetched.wait_for(|count| *count > self.before);
        // Whichever comes first, keys are looked at next.
        let _ = timeout(Duration::from_secs(WAIT_SECONDS_MAX), ended).await;
    }
}

impl Issuer {
    /// Without a key yet.
    pub fn new(url: String, version: Arc<AtomicU64>) -> Self {
        Self {
            url,
            keys: RwLock::new(Arc::new(KeySet::empty())),
            version,
            turn: Mutex::default(),
            turned: Condvar::new(),
            fetched: watch::Sender::new(0),
        }
    }

    /// As its tokens name it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The keys that are known now.
    pub fn keys(&self) -> Arc<KeySet> {
        let keys = self.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes keys in the place of those of before.
    pub fn set_keys(&self, new: KeySet) {
        let keys = self.keys.write();
        *keys.unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        // After them: whoever sees the new version finds the new keys.
        self.version.fetch_add(1, Ordering::Release);
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the keys fetched, unless they were lately. Never blocks. `place` is given back with the
    /// waiting.
    pub fn ask(&self, place: Rc<()>) -> Option<KeysAwaited> {
        let mut turn = self.turn();
        if !turn.is_under_way && !turn.is_asked_for {
            let lately = Duration::from_secs(ASKED_FETCH_SECONDS_MIN);
            if turn.begun.is_some_and(|begun| begun.elapsed() < lately) {
                return None;
            }
            turn.is_asked_for = true;
            self.turned.notify_one();
        }
        // Within the lock, so that the fetch doesn't end in between.
        let fetched = self.fetched.subscribe();
        let before = *fetched.borrow();
        Some(KeysAwaited {
            fetched,
            before,
            _place: place,
        })
    }

    /// Ends the thread, once it notices.
    pub fn end(&self) {
        self.turn().is_over = true;
        self.turned.notify_one();
    }

    /// Fetches keys for as long as somebody needs them: the thread's whole life.
    pub fn keep(&self, authorities: Option<&Path>) {
        let mut source = None;
        let mut record = Record::default();
        loop {
            {
                let mut turn = self.turn();
                turn.begun = Some(Instant::now());
                turn.is_under_way = true;
                turn.is_asked_for = false;
            }
            let outcome = self.fetch(&mut source, authorities);
            let pause = self.take(outcome, &mut record);
            {
                let mut turn = self.turn();
                turn.is_under_way = false;
                self.fetched.send_modify(|count| *count += 1);
            }
            if !self.pause(pause) {
                return;
            }
        }
    }

    fn fetch(
        &self,
        source: &mut Option<Source>,
        authorities: Option<&Path>,
    ) -> Result<KeySet, String> {
        // Made here, since it reads files, which may be better the next time.
        let source = match source {
            Some(source) => source,
            None => source.insert(Source::new(&self.url, authorities)?),
        };
        KeySet::read(&source.key_set()?)
    }

    /// Takes what came of a fetch, and says how long to wait for the next.
    fn take(&self, outcome: Result<KeySet, String>, record: &mut Record) -> Duration {
        let issuer = &*self.url;
        match outcome {
            Ok(new) => {
                let keys = new.len();
                if *self.keys() == new {
                    tracing::debug!(issuer, keys, "an issuer's keys are as they were");
                } else {
                    self.set_keys(new);
                    tracing::info!(issuer, keys, "an issuer's keys were fetched");
                }
                *record = Record {
                    succeeded: Some(Instant::now()),
                    ..Record::default()
                };
                Duration::from_secs(FETCH_SECONDS)
            }
            Err(error) => {
                let pause = RETRY_SECONDS_MIN << record.failures.min(6);
                let retry_s = pause.min(RETRY_SECONDS_MAX);
                record.failures += 1;
                // The same again is no news.
                if record.error == error {
                    tracing::debug!(issuer, error, retry_s, "an issuer's keys can't be fetched");
                } else {
                    tracing::warn!(issuer, error, retry_s, "an issuer's keys can't be fetched");
                    record.error = error;
                }
                let most = Duration::from_secs(UNCONFIRMED_SECONDS_MAX);
                if record.succeeded.is_some_and(|at| at.elapsed() > most) {
                    tracing::warn!(issuer, "its keys are too old to be believed");
                    record.succeeded = None;
                    self.set_keys(KeySet::empty());
                }
                Duration::from_secs(retry_s)
            }
        }
    }

    /// Waits for the next fetch; false if there is none.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut turn = self.turn();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if turn.is_over || turn.is_asked_for || left.is_zero() {
                return !turn.is_over;
            }
            let waited = self.turned.wait_timeout(turn, left);
            turn = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What became of the fetches so far.
#[derive(Default)]
struct Record {
    succeeded: Option<Instant>,
    /// Since then.
    failures: u32,
    error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        Issuer::new("https://a.example".to_owned(), Arc::default())
    }

    #[test]
    fn made_up_names_of_keys_have_them_fetched_once() {
        let issuer = issuer();
        let place = Rc::new(());
        let first = issuer.ask(place.clone()).expect("never fetched");
        // Of the same fetch.
        assert!(issuer.ask(place.clone()).is_some());
        {
            let mut turn = issuer.turn();
            assert!(turn.is_asked_for);
            turn.is_asked_for = false;
            turn.begun = Some(Instant::now());
        }
        assert!(issuer.ask(place.clone()).is_none());
        issuer.turn().is_under_way = true;
        assert!(issuer.ask(place.clone()).is_some());
        issuer.turn().is_under_way = false;
        let earlier = Instant::now().checked_sub(Duration::from_secs(ASKED_FETCH_SECONDS_MIN));
        issuer.turn().begun = earlier;
        assert!(issuer.ask(place.clone()).is_some());
        assert_eq!(Rc::strong_count(&place), 2);
        drop(first);
        assert_eq!(Rc::strong_count(&place), 1);
    }

    #[test]
    fn what_fails_is_tried_again_ever_less_often() {
        let issuer = issuer();
        let mut record = Record::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = issuer.take(Err("no route".to_owned()), &mut record);
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let good = KeySet::read(r#"{"keys": []}"#);
        assert_eq!(issuer.take(good, &mut record).as_secs(), FETCH_SECONDS);
        let pause = issuer.take(Err("no route".to_owned()), &mut record);
        assert_eq!(pause.as_secs(), 1);
    }

    #[test]
    fn the_same_keys_again_change_nothing() {
        let issuer = issuer();
        let mut record = Record::default();
        let version = || issuer.version.load(Ordering::Acquire);
        for (text, expected) in [
            (r#"{"keys": []}"#, 1),
            (r#"{"keys": []}"#, 1),
            (r#"{"keys": [{}]}"#, 2),
        ] {
            issuer.take(KeySet::read(text), &mut record);
            assert_eq!(version(), expected, "{text}");
        }
        issuer.take(Err(String::new()), &mut record);
        assert_eq!(version(), 2);
    }

    #[test]
    fn who_waits_for_nothing_ends() {
        let issuer = Arc::new(issuer());
        issuer.end();
        assert!(!issuer.pause(Duration::from_secs(3600)));
    }
}
