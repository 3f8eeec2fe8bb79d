//! Figures as people read them.

use serde_json::Value;

pub(super) fn number(value: &Value) -> String {
    value
        .as_u64()
        .map_or_else(|| "-".to_owned(), |number| number.to_string())
}

pub(super) fn bytes(value: &Value) -> String {
    let Some(bytes) = value.as_f64() else {
        return "-".to_owned();
    };
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut shown, mut unit) = (bytes, 0);
    while shown >= 1024.0 && unit + 1 < units.len() {
        shown /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{shown:.0} B"),
        _ => format!("{shown:.1} {}", units[unit]),
    }
}

pub(super) fn time_ms(value: &Value) -> String {
    let Some(ms) = value.as_u64() else {
        return "-".to_owned();
    };
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

pub(super) fn time_us(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// Without what a terminal would act on.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).collect()
}
