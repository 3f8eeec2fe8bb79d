//! Commands that drive a test server.

use clap::Subcommand;

/// About the clock of a server that was started with --test-controls.
#[derive(Subcommand, Clone, Debug)]
pub enum ClockCommand {
    /// Show what time the server takes it to be.
    Show,
    /// Stop it.
    Stop,
    /// Let time pass at once: 90s, 15m, 36h, 4d, 250ms.
    Advance {
        /// How much.
        #[arg(value_parser = duration_ms)]
        by: u64,
    },
    /// Let all time pass at once until then; it can't go back.
    Set {
        /// A time as 2026-12-24T18:00:00Z, or ms since 1970.
        to: String,
    },
    /// Let it go on by itself.
    Resume,
}

/// A time as people write it, ms.
fn duration_ms(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let ms_each = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("a number with ms, s, m, h or d, such as 90s".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a number with ms, s, m, h or d, such as 90s".to_owned())?;
    number
        .checked_mul(ms_each)
        .ok_or_else(|| "more time than there is".to_owned())
}

#[cfg(test)]
mod tests {
    use super::duration_ms;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("250ms", 250),
            ("90s", 90_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.5h", "1w", "99999999999999999999d"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }
}
