//! What a subscription says about its export, checked.

use super::datetime::is_datetime_format;
use std::time::Duration;

/// Bounds of the age of an open batch.
const DURATION_MIN: Duration = Duration::from_secs(60);
const DURATION_MAX: Duration = Duration::from_secs(600);
const DURATION_DEFAULT: Duration = Duration::from_secs(300);

/// Bounds of an object's size, bytes.
const BYTES_MIN: u64 = 1_000;
const BYTES_MAX: u64 = 10 << 30;

/// Least bound of an object's messages.
const MESSAGES_MIN: u64 = 1_000;

/// Characters of a bucket's name, dots included.
const BUCKET_CHARS_MIN: usize = 3;
const BUCKET_CHARS_MAX: usize = 222;

/// Bytes of an object's whole name.
const NAME_BYTES_MAX: usize = 1024;

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
        if name_bytes > NAME_BYTES_MAX {
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
            && !(DURATION_MIN..=DURATION_MAX).contains(&duration)
        {
            return wrong("max_duration", "must be between 1 and 10 minutes");
        }
        if self.max_bytes != 0 && !(BYTES_MIN..=BYTES_MAX).contains(&self.max_bytes) {
            return wrong("max_bytes", "must be between 1 KB and 10 GiB");
        }
        if self.max_messages != 0 && self.max_messages < MESSAGES_MIN {
            return wrong("max_messages", "must be at least 1000");
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
