//! The functionals by their definitions, in double precision.

use std::f64::consts::PI;

use ser_features::{Extra, FeatureConfig, Features, Output};

type Track = Vec<f64>;

struct Clip {
    levels: Vec<Track>,
    f0: Track,
    values: Vec<(String, f64)>,
}

fn mean(z: &[f64]) -> f64 {
    z.iter().sum::<f64>() / z.len().max(1) as f64
}

fn std(z: &[f64]) -> f64 {
    if z.len() < 2 {
        return 0.0;
    }
    let squares: f64 = z.iter().map(|v| (v - mean(z)).powi(2)).sum();
    (squares / (z.len() - 1) as f64).sqrt()
}

fn mean_abs(z: &[f64]) -> f64 {
    mean(&z.iter().map(|v| v.abs()).collect::<Track>())
}

fn quantile(z: &[f64], percent: usize) -> f64 {
    if z.is_empty() {
        return 0.0;
    }
    let mut sorted = z.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = (percent * (z.len() - 1)) as f64 / 100.0;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * position.fract()
}

fn slope(z: &[f64], width: i64) -> Track {
    let at = |t: i64| z[t.clamp(0, z.len() as i64 - 1) as usize];
    let squares: i64 = (1..=width).map(|i| i * i).sum();
    (0..z.len() as i64)
        .map(|t| {
            let sum: f64 = (1..=width)
                .map(|i| i as f64 * (at(t + i) - at(t - i)))
                .sum();
            sum / (2 * squares) as f64
        })
        .collect()
}

impl Clip {
    fn add(&mut self, name: impl Into<String>, value: f64) {
        self.values.push((name.into(), value));
    }

    fn statistics(&mut self, name: &str, z: &[f64]) {
        self.add(format!("{name}_mean"), mean(z));
        self.add(format!("{name}_std"), std(z));
        for percent in [5, 25, 50, 75, 95] {
            self.add(format!("{name}_q{percent:02}"), quantile(z, percent));
        }
    }

    fn thirds(&mut self, name: &str, z: &[f64]) {
        let mut parts: Vec<&[f64]> = Vec::new();
        let mut rest = z;
        for left in [3, 2, 1] {
            let (part, after) = rest.split_at(rest.len().div_ceil(left));
            parts.push(part);
            rest = after;
        }
        for (late, early) in [(2, 1), (3, 2), (3, 1)] {
            let (a, b) = (parts[early - 1], parts[late - 1]);
            let empty = a.is_empty() || b.is_empty();
            let moved = if empty { 0.0 } else { mean(b) - mean(a) };
            self.add(format!("{name}_third_{late}_less_{early}"), moved);
        }
    }

    fn column(&self, index: usize) -> Track {
        self.levels.iter().map(|row| row[index]).collect()
    }
}

fn dct(x: &[f64], k: usize) -> f64 {
    let n = x.len() as f64;
    let norm = (if k == 0 { 1.0 } else { 2.0 } / n).sqrt();
    let term = |(i, x): (usize, &f64)| x * (PI * k as f64 * (i as f64 + 0.5) / n).cos();
    norm * x.iter().enumerate().map(term).sum::<f64>()
}

fn centres(config: &FeatureConfig) -> Track {
    let scale = config.mel_scale;
    let (low, high) = (scale.from_hz(config.fmin), scale.from_hz(config.fmax()));
    let step = (high - low) / (config.n_mels + 1) as f64;
    (1..=config.n_mels)
        .map(|i| scale.to_hz(low + i as f64 * step))
        .collect()
}

fn modulation(clip: &mut Clip, name: &str, z: &[f64], rate: f64) {
    let n = z.len();
    let window = |t: usize| match n {
        1 => 1.0,
        _ => (PI * t as f64 / n as f64).sin().powi(2),
    };
    let mean = mean(z);
    let length = n.next_power_of_two().max(256);
    let edges = ["0.3", "1.5", "3", "5", "8", "13", "25"];
    for pair in edges.windows(2) {
        let [low, high] = [0, 1].map(|i| pair[i].parse::<f64>().unwrap());
        let mut powers = Vec::new();
        for bin in 0..=length / 2 {
            let hz = bin as f64 * rate / length as f64;
            if hz < low || hz >= high {
                continue;
            }
            let (mut re, mut im) = (0.0, 0.0);
            for (t, z) in z.iter().enumerate() {
                let angle = 2.0 * PI * (bin * t % length) as f64 / length as f64;
                re += (z - mean) * window(t) * angle.cos();
                im += (z - mean) * window(t) * angle.sin();
            }
            powers.push(re * re + im * im);
        }
        let name = format!("{name}_modulation_{}_to_{}_hz", pair[0], pair[1]);
        clip.add(name, (self::mean(&powers) + 1e-3).ln());
    }
}

fn slope_of(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let xx: f64 = x.iter().map(|x| (x - mx).powi(2)).sum();
    let xy: f64 = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum();
    if xx > 0.0 { xy / xx } else { 0.0 }
}

fn interpolated(x: &[f64], y: &[f64], at: f64) -> f64 {
    let after = x.iter().position(|&x| x >= at).unwrap_or(x.len() - 1);
    if after == 0 || x[after] == at {
        return y[after];
    }
    let (x0, x1) = (x[after - 1], x[after]);
    y[after - 1] + (y[after] - y[after - 1]) * (at - x0) / (x1 - x0)
}

fn course(clip: &mut Clip, name: &str, x: &[f64], y: &[f64]) {
    for k in 1..=7 {
        let mut sum = 0.0;
        for j in 0..32 {
            if let (Some(first), Some(last)) = (x.first(), x.last()) {
                let z = interpolated(x, y, first + (last - first) * f64::from(j) / 31.0);
                sum += z * (PI * f64::from(k) * (f64::from(j) + 0.5) / 32.0).cos();
            }
        }
        clip.add(format!("{name}_course_{k}"), sum / 32.0);
    }
}

/// Adds the values of rows that have F0 and more after their levels.
fn voice(
    clip: &mut Clip,
    config: &FeatureConfig,
    rows: &Features,
    loud: &[usize],
    e: &[f64],
    m: &[Track],
) {
    let frames = e.len();
    let f0 = clip.f0.clone();
    let voiced: Vec<usize> = loud.iter().copied().filter(|&t| f0[t] > 0.0).collect();
    let melody: Track = voiced.iter().map(|&t| f0[t].ln()).collect();
    let at: Track = voiced.iter().map(|&t| t as f64).collect();
    let energy: Track = voiced.iter().map(|&t| e[t]).collect();
    let steps: Track = melody.windows(2).map(|pair| pair[1] - pair[0]).collect();
    clip.statistics("log_f0", &melody);
    clip.statistics("log_f0_step", &steps);
    clip.add("log_f0_step_mean_abs", mean_abs(&steps));
    clip.thirds("log_f0", &melody);
    for (name, z) in [("log_f0", &melody), ("log_energy", &energy)] {
        let changes: Track = (1..voiced.len())
            .filter(|&i| voiced[i] - voiced[i - 1] == 1)
            .map(|i| (z[i] - z[i - 1]).abs())
            .collect();
        clip.add(format!("{name}_change_mean"), mean(&changes));
        clip.add(format!("{name}_change_median"), quantile(&changes, 50));
    }
    let n = voiced.len();
    let quarter = (n / 4).max(2).min(n);
    let start = slope_of(&at[..quarter], &melody[..quarter]);
    let end = slope_of(&at[n - quarter..], &melody[n - quarter..]);
    clip.add("log_f0_slope_start", start);
    clip.add("log_f0_slope_end", end);
    let (low, high) = (
        melody.iter().copied().fold(f64::MAX, f64::min),
        melody.iter().copied().fold(f64::MIN, f64::max),
    );
    for (name, value) in [("highest", high), ("lowest", low)] {
        let found = melody.iter().position(|&z| z == value);
        let place = found.map_or(0.0, |i| (at[i] - at[0]) / (at[n - 1] - at[0]).max(1.0));
        clip.add(format!("log_f0_{name}_at"), place);
    }
    let both = slope_of(&melody, &energy) * slope_of(&energy, &melody);
    let sign = slope_of(&melody, &energy).signum();
    clip.add("log_f0_with_log_energy", sign * both.sqrt());
    course(clip, "log_f0", &at, &melody);
    let all: Track = (0..frames).map(|t| t as f64).collect();
    course(clip, "log_energy", &all, e);

    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &t in &voiced {
        match runs.last_mut() {
            Some((_, end)) if *end == t => *end += 1,
            _ => runs.push((t, t + 1)),
        }
    }
    let lengths: Track = runs.iter().map(|(a, b)| (b - a) as f64).collect();
    let gaps = runs.windows(2).map(|pair| (pair[1].0 - pair[0].1) as f64);
    for (name, z) in [("voiced_run", lengths), ("voiced_gap", gaps.collect())] {
        clip.add(format!("{name}_mean"), mean(&z));
        clip.add(format!("{name}_std"), std(&z));
        clip.add(
            format!("{name}_longest"),
            z.iter().copied().fold(0.0, f64::max),
        );
    }
    let loudest = e.iter().copied().fold(f64::MIN, f64::max);
    let unvoiced: Vec<usize> = (0..frames)
        .filter(|&t| f0[t] == 0.0 && e[t] > loudest - 9.21)
        .collect();
    let share = |count: usize| count as f64 / frames as f64;
    clip.add(
        "voiced_share",
        share(f0.iter().filter(|&&f| f > 0.0).count()),
    );
    clip.add("unvoiced_share", share(unvoiced.len()));
    clip.add(
        "soft_share",
        share(e.iter().filter(|&&e| e < loudest - 4.605).count()),
    );
    clip.add("voiced_runs_per_frame", share(runs.len()));
    for (k, z) in m.iter().enumerate() {
        let of = |frames: &[usize]| frames.iter().map(|&t| z[t]).collect::<Track>();
        clip.add(format!("mfcc_{k}_voiced_mean"), mean(&of(&voiced)));
        clip.add(format!("mfcc_{k}_voiced_std"), std(&of(&voiced)));
        clip.add(format!("mfcc_{k}_unvoiced_mean"), mean(&of(&unvoiced)));
    }
    let names = FeatureConfig {
        output: Output::LogMel,
        ..config.clone()
    }
    .coefficient_names();
    for (index, name) in names.iter().enumerate().skip(config.n_mels + 1) {
        let is_in = |extra: Extra| extra.rows().contains(&name.as_str());
        let frames = if is_in(Extra::Harmonics) {
            &voiced
        } else {
            loud
        };
        let is_formant = is_in(Extra::Formants);
        let values = frames.iter().map(|&t| f64::from(rows.row(t)[index]));
        let values: Track = values
            .filter(|&value| !is_formant || value != 0.0)
            .collect();
        clip.statistics(name, &values);
    }
}

/// Computes the functionals from levels in dB, F0 and the other rows.
pub fn functionals(config: &FeatureConfig, rows: &Features) -> Vec<(String, f64)> {
    let n_mels = config.n_mels;
    let frames = rows.frames();
    let value = |t: usize, i: usize| f64::from(rows.row(t)[i]);
    let mut clip = Clip {
        levels: (0..frames)
            .map(|t| {
                (0..n_mels)
                    .map(|i| value(t, i) * 10f64.ln() / 10.0)
                    .collect()
            })
            .collect(),
        f0: if config.extras.is_empty() {
            Vec::new()
        } else {
            (0..frames).map(|t| value(t, n_mels)).collect()
        },
        values: Vec::new(),
    };
    let average = if config.relative_level {
        mean(&clip.levels.concat())
    } else {
        0.0
    };
    clip.levels.iter_mut().flatten().for_each(|x| *x -= average);

    let m: Vec<Track> = (0..config.n_mfcc)
        .map(|k| clip.levels.iter().map(|row| dct(row, k)).collect())
        .collect();
    let p: Vec<Track> = clip
        .levels
        .iter()
        .map(|row| row.iter().map(|x| x.exp()).collect())
        .collect();
    let e: Track = p.iter().map(|p| p.iter().sum::<f64>().ln()).collect();
    let threshold = quantile(&e, 40);

    for (k, z) in m.iter().enumerate() {
        clip.statistics(&format!("mfcc_{k}"), z);
    }
    for band in 0..n_mels {
        let z = clip.column(band);
        clip.statistics(&format!("log_mel_{band}"), &z);
    }
    for (k, z) in m.iter().enumerate() {
        let d = slope(z, 2);
        clip.add(format!("mfcc_{k}_delta_std"), std(&d));
        clip.add(format!("mfcc_{k}_delta_mean_abs"), mean_abs(&d));
        clip.add(format!("mfcc_{k}_delta2_std"), std(&slope(&d, 2)));
    }
    for (k, z) in m.iter().enumerate().take(20) {
        let d = slope(z, 5);
        clip.add(format!("mfcc_{k}_slow_delta_std"), std(&d));
        clip.add(format!("mfcc_{k}_slow_delta_mean_abs"), mean_abs(&d));
    }
    let loud: Vec<usize> = (0..frames).filter(|&t| e[t] >= threshold).collect();
    for (k, z) in m.iter().enumerate() {
        let kept: Track = loud.iter().map(|&t| z[t]).collect();
        clip.add(format!("mfcc_{k}_loud_mean"), mean(&kept));
        clip.add(format!("mfcc_{k}_loud_std"), std(&kept));
        let energy: f64 = e.iter().map(|e| e.exp()).sum();
        let sum: f64 = z.iter().zip(&e).map(|(z, e)| z * e.exp()).sum();
        clip.add(format!("mfcc_{k}_energy_weighted_mean"), sum / energy);
    }
    for (k, z) in m.iter().enumerate().take(13) {
        clip.thirds(&format!("mfcc_{k}"), z);
    }

    let hz = centres(config);
    let within = |low: f64, high: f64| -> Vec<usize> {
        (0..n_mels)
            .filter(|&i| hz[i] >= low && hz[i] < high)
            .collect()
    };
    let power = |t: usize, bands: &[usize]| bands.iter().map(|&i| p[t][i]).sum::<f64>().ln();
    let highest = |t: usize, bands: &[usize]| {
        let levels = bands.iter().map(|&i| clip.levels[t][i]);
        levels.fold(f64::MIN, f64::max)
    };
    let moment = |t: usize, f: &dyn Fn(f64) -> f64| {
        let sum: f64 = (0..n_mels).map(|i| p[t][i] * f(hz[i])).sum();
        sum / p[t].iter().sum::<f64>()
    };
    let centroid = |t: usize| moment(t, &|f| f);
    let (low, mid, high) = (within(0.0, 1e3), within(1e3, 5e3), within(5e3, 1e9));
    let shapes: [(&str, Track); 7] = [
        (
            "log_centroid",
            (0..frames).map(|t| centroid(t).ln()).collect(),
        ),
        ("log_bandwidth", {
            let width = |t| moment(t, &|f| (f - centroid(t)).powi(2)).sqrt();
            (0..frames).map(|t| (1.0 + width(t)).ln()).collect()
        }),
        ("flatness", {
            let flatness = |t: usize| mean(&clip.levels[t]) - mean(&p[t]).ln();
            (0..frames).map(flatness).collect()
        }),
        (
            "low_to_mid",
            (0..frames)
                .map(|t| power(t, &low) - power(t, &mid))
                .collect(),
        ),
        (
            "mid_to_high",
            (0..frames)
                .map(|t| power(t, &mid) - power(t, &high))
                .collect(),
        ),
        ("hammarberg", {
            let (low, high) = (within(0.0, 2e3), within(2e3, 5e3));
            (0..frames)
                .map(|t| highest(t, &low) - highest(t, &high))
                .collect()
        }),
        ("log_energy", e.clone()),
    ];
    for (name, z) in &shapes {
        clip.statistics(name, z);
        clip.thirds(name, z);
        clip.statistics(&format!("{name}_delta"), &slope(z, 2));
    }
    let rises = |t: usize| {
        let rise = |i: usize| (clip.levels[t][i] - clip.levels[t - 1][i]).max(0.0);
        mean(&(0..n_mels).map(rise).collect::<Track>())
    };
    let flux: Track = (1..frames).map(rises).collect();
    clip.statistics("flux", &flux);

    let rate = f64::from(config.sample_rate) / config.hop_length as f64;
    modulation(&mut clip, "log_energy", &e, rate);
    for group in 0..8 {
        let end = if group == 7 {
            n_mels
        } else {
            (group + 1) * (n_mels / 8)
        };
        let bands = group * (n_mels / 8)..end;
        let z: Track = clip
            .levels
            .iter()
            .map(|row| mean(&row[bands.clone()]))
            .collect();
        modulation(&mut clip, &format!("band_group_{group}"), &z, rate);
    }
    if !config.extras.is_empty() {
        voice(&mut clip, config, rows, &loud, &e, &m);
    }
    clip.add("frames", frames as f64);
    let loudest = e.iter().copied().fold(f64::MIN, f64::max);
    let near = e.iter().filter(|&&e| e > loudest - 3.0).count();
    clip.add("loud_share", near as f64 / frames as f64);
    let peaks = (1..frames.max(2) - 1).filter(|&t| e[t] > e[t - 1] && e[t] > e[t + 1]);
    clip.add("peaks_per_frame", peaks.count() as f64 / frames as f64);
    clip.values
}
