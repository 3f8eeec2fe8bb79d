//! What a subscription says about its export, checked.

use super::datetime::is_datetime_format;
use crate::pubsub::limits::{
    BUCKET_CHARS_MAX, BUCKET_CHARS_MIN, EXPORT_BYTES_MAX, EXPORT_BYTES_MIN, EXPORT_DURATION_MAX,
    EXPORT_DURATION_MIN, EXPORT_MESSAGES_MIN, OBJECT_NAME_BYTES_MAX,
};
use std::time::Duration;

/// Age of an open batch if the subscription doesn't say.
const DURATION_DEFAULT: Duration = Duration::from_secs(300);

/// The form of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// Data, each followed by a newline.
    #[default]
    Text,
    /// An Avro object container file.
    Avro {
        write_metadata: bool,
        /// Messages that were checked against an Avro schema are written under it.
        use_topic_schema: bool,
    },
}

/// What to write and when. Zero and empty mean the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportSettings {
    pub bucket: String,
    pub filename_prefix: String,
    pub filename_suffix: String,
    pub filename_datetime_format: String,
    pub format: ExportFormat,
    /// Age of a batch at which its object is written.
    pub max_duration: Option<Duration>,
    /// Size of an object at which it is written, bytes.
    pub max_bytes: u64,
    /// Messages of an object at which it is written.
    pub max_messages: u64,
}

/// The field that is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct SettingsError {
    pub field: &'static str,
    pub problem: String,
}

impl ExportSettings {
    /// Checks every field.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |field, problem: &str| {
            Err(SettingsError {
                field,
                problem: problem.to_owned(),
            })
        };
        let bucket_byte = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        };
        let ends = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bucket = self.bucket.as_bytes();
        if !(BUCKET_CHARS_MIN..=BUCKET_CHARS_MAX).contains(&bucket.len())
            || !bucket.iter().all(|byte| bucket_byte(*byte))
            || !bucket.first().is_some_and(ends)
            || !bucket.last().is_some_and(ends)
        {
            return wrong("bucket", "is not the name of a bucket");
        }
        // The rest of a name is a date and an id, less than a hundred bytes.
        let name_bytes = self.filename_prefix.len() + self.filename_suffix.len() + 100;
        if name_bytes > OBJECT_NAME_BYTES_MAX {
            return wrong("filename_prefix and filename_suffix", "are too long");
        }
        if self.filename_prefix.starts_with('/') || self.filename_prefix.contains(['\r', '\n']) {
            return wrong("filename_prefix", "can't begin an object's name");
        }
        if self.filename_suffix.ends_with('/') || self.filename_suffix.contains(['\r', '\n']) {
            return wrong("filename_suffix", "can't end an object's name");
        }
        if !is_datetime_format(&self.filename_datetime_format) {
            return wrong(
                "filename_datetime_format",
                "must be made of YYYY or YY, MM, DD, hh, mm and ss, each once, and of T, Z and - _ \
                 : /",
            );
        }
        if let Some(duration) = self.max_duration
            && !(EXPORT_DURATION_MIN..=EXPORT_DURATION_MAX).contains(&duration)
        {
            let (min, max) = (EXPORT_DURATION_MIN, EXPORT_DURATION_MAX);
            let (min, max) = (min.as_secs() / 60, max.as_secs() / 60);
            return wrong(
                "max_duration",
                &format!("must be between {min} and {max} minutes"),
            );
        }
        if self.max_bytes != 0 && !(EXPORT_BYTES_MIN..=EXPORT_BYTES_MAX).contains(&self.max_bytes) {
            let (min, max) = (EXPORT_BYTES_MIN / 1000, EXPORT_BYTES_MAX >> 30);
            return wrong(
                "max_bytes",
                &format!("must be between {min} KB and {max} GiB"),
            );
        }
        if self.max_messages != 0 && self.max_messages < EXPORT_MESSAGES_MIN {
            return wrong(
                "max_messages",
                &format!("must be at least {EXPORT_MESSAGES_MIN}"),
            );
        }
        Ok(())
    }

    /// Age of a batch at which its object is written.
    pub fn duration(&self) -> Duration {
        self.max_duration.unwrap_or(DURATION_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut ExportSettings)) -> &'static str {
        let mut settings = ExportSettings {
            bucket: "a-bucket".to_owned(),
            ..ExportSettings::default()
        };
        assert_eq!(settings.check(), Ok(()));
        change(&mut settings);
        settings.check().map_or_else(|error| error.field, |()| "")
    }

    #[test]
    fn every_field_is_checked() {
        for bucket in [
            "",
            "ab",
            "gs://bucket",
            "a/b/c",
            "..",
            "Bucket",
            "-ab",
            "a b",
        ] {
            assert_eq!(
                wrong(|s| s.bucket = bucket.to_owned()),
                "bucket",
                "{bucket}"
            );
        }
        assert_eq!(
            wrong(|s| s.filename_prefix = "/a".to_owned()),
            "filename_prefix"
        );
        assert_eq!(wrong(|s| s.filename_prefix = "a/b-".to_owned()), "");
        assert_eq!(
            wrong(|s| s.filename_suffix = "a/".to_owned()),
            "filename_suffix"
        );
        assert_eq!(wrong(|s| s.filename_suffix = ".txt".to_owned()), "");
        assert!(wrong(|s| s.filename_prefix = "x".repeat(1000)).contains("filename_prefix"));
        assert_eq!(
            wrong(|s| s.filename_datetime_format = "%Y".to_owned()),
            "filename_datetime_format"
        );
        for (seconds, field) in [
            (59, "max_duration"),
            (60, ""),
            (600, ""),
            (601, "max_duration"),
        ] {
            let duration = Some(Duration::from_secs(seconds));
            assert_eq!(wrong(|s| s.max_duration = duration), field, "{seconds}");
        }
        for (bytes, field) in [(999, "max_bytes"), (1000, ""), (10 << 30, "")] {
            assert_eq!(wrong(|s| s.max_bytes = bytes), field, "{bytes}");
        }
        assert_eq!(wrong(|s| s.max_bytes = (10 << 30) + 1), "max_bytes");
        assert_eq!(wrong(|s| s.max_messages = 999), "max_messages");
        assert_eq!(wrong(|s| s.max_messages = 1000), "");
    }
}
