//! The forward pass: a BERT encoder, the mean of its last layer, unit length.

use std::path::Path;

use crate::{
    E5Error, WIDTH, functions,
    kernel::{self, PANEL, Packed, Rows, RowsMut},
    weights::Weights,
};

/// Pieces of a text at most.
const LONGEST: usize = 512;

/// The model in memory.
pub(crate) struct Model {
    weights: Weights,
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

struct Linear {
    weights: Packed,
    bias: Vec<f32>,
}

struct Layer {
    attend: Linear,
    mix: Linear,
    mix_norm: Norm,
    widen: Linear,
    narrow: Linear,
    narrow_norm: Norm,
}

impl Model {
    pub(crate) fn load(path: &Path) -> Result<Self, E5Error> {
        let weights = Weights::open(path)?;
        let heads_fit = weights.heads > 0
            && WIDTH.is_multiple_of(weights.heads)
            && (WIDTH / weights.heads).is_multiple_of(PANEL);
        if weights.width != WIDTH || weights.positions < LONGEST || !heads_fit {
            return Err(E5Error::Damaged);
        }
        let layers =
            (0..weights.layers).map(|at| Layer::of(&weights, at)).collect::<Result<_, _>>()?;
        let norm = Norm::of(&weights, "emb.ln")?;
        let mut places = weights.floats("emb.pos", LONGEST * WIDTH)?;
        let kind = weights.floats("emb.type", WIDTH)?;
        for place in places.chunks_exact_mut(WIDTH) {
            place.iter_mut().zip(&kind).for_each(|(place, kind)| *place += kind);
        }
        Ok(Self { weights, places, norm, layers })
    }

    /// The vector of a text, and whether its end was cut off.
    pub(crate) fn embed(&self, text: &str) -> Result<(Vec<f32>, bool), E5Error> {
        let (ids, cut) = self.weights.tokenizer.encode(text, LONGEST);
        let eps = self.weights.eps;
        let mut x = self.places[..ids.len() * WIDTH].to_vec();
        for (row, id) in x.chunks_exact_mut(WIDTH).zip(&ids) {
            self.weights.add_word(*id, row)?;
        }
        self.norm.apply(&mut x, eps);
        for layer in &self.layers {
            layer.forward(&mut x, self.weights.heads, eps);
        }
        let mut sum = vec![0.0; WIDTH];
        for row in x.chunks_exact(WIDTH) {
            sum.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
        }
        let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
        if !length.is_normal() {
            return Err(E5Error::Damaged);
        }
        for number in &mut sum {
            *number /= length;
        }
        Ok((sum, cut))
    }
}

impl Norm {
    fn of(weights: &Weights, name: &str) -> Result<Self, E5Error> {
        Ok(Self {
            scale: weights.floats(&format!("{name}.w"), WIDTH)?,
            shift: weights.floats(&format!("{name}.b"), WIDTH)?,
        })
    }

    fn apply(&self, rows: &mut [f32], eps: f32) {
        functions::normalize(rows, &self.scale, &self.shift, eps);
    }
}

impl Linear {
    fn of(
        weights: &Weights,
        names: &[String],
        width: usize,
        depth: usize,
    ) -> Result<Self, E5Error> {
        let mut parts = Vec::new();
        let mut bias = Vec::new();
        for name in names {
            parts.push(weights.matrix(&format!("{name}.w"), width, depth)?);
            bias.extend(weights.floats(&format!("{name}.b"), width)?);
        }
        Ok(Self { weights: Packed::joined(parts).ok_or(E5Error::Damaged)?, bias })
    }

    fn apply(&self, x: &[f32], rows: usize) -> Vec<f32> {
        let mut sum = Vec::with_capacity(rows * self.weights.width());
        (0..rows).for_each(|_| sum.extend_from_slice(&self.bias));
        self.weights.add_product(x, &mut sum);
        sum
    }

    /// Adds the product and the bias to `sum`.
    fn add(&self, x: &[f32], sum: &mut [f32]) {
        for row in sum.chunks_exact_mut(self.bias.len()) {
            row.iter_mut().zip(&self.bias).for_each(|(number, bias)| *number += bias);
        }
        self.weights.add_product(x, sum);
    }
}

impl Layer {
    fn of(weights: &Weights, at: usize) -> Result<Self, E5Error> {
        let name = |part: &str| format!("l{at}.{part}");
        let inner = weights.inner;
        Ok(Self {
            attend: Linear::of(weights, &["q", "k", "v"].map(name), WIDTH, WIDTH)?,
            mix: Linear::of(weights, &[name("ao")], WIDTH, WIDTH)?,
            mix_norm: Norm::of(weights, &name("aln"))?,
            widen: Linear::of(weights, &[name("fi")], inner, WIDTH)?,
            narrow: Linear::of(weights, &[name("fo")], WIDTH, inner)?,
            narrow_norm: Norm::of(weights, &name("oln"))?,
        })
    }

    fn forward(&self, x: &mut [f32], heads: usize, eps: f32) {
        let rows = x.len() / WIDTH;
        let seen = attention(&self.attend.apply(x, rows), rows, heads);
        self.mix.add(&seen, x);
        self.mix_norm.apply(x, eps);
        let mut wide = self.widen.apply(x, rows);
        functions::gelu(&mut wide);
        self.narrow.add(&wide, x);
        self.narrow_norm.apply(x, eps);
    }
}

/// What each row takes from all rows. A row of `all` holds the query, the key and the value of each
/// head.
fn attention(all: &[f32], rows: usize, heads: usize) -> Vec<f32> {
    const STRIDE: usize = 3 * WIDTH;

    let size = WIDTH / heads;
    #[expect(clippy::cast_precision_loss, reason = "a head has some dozens of numbers")]
    let scale = 1.0 / (size as f32).sqrt();
    let padded = rows.next_multiple_of(PANEL);
    let mut seen = vec![0.0; rows * WIDTH];
    let mut likeness = vec![0.0; rows * padded];
    let mut keys = vec![0.0; size * PANEL];
    let mut values = vec![0.0; rows * PANEL];
    for head in 0..heads {
        likeness.fill(0.0);
        let queries = Rows { numbers: &all[head * size..], stride: STRIDE };

        for from in (0..rows).step_by(PANEL) {
            keys.fill(0.0);
            for column in 0..PANEL.min(rows - from) {
                let key = &all[(from + column) * STRIDE + WIDTH + head * size..][..size];
                for (number, row) in key.iter().zip(keys.chunks_exact_mut(PANEL)) {
                    row[column] = number * scale;
                }
            }
            let sum = RowsMut { numbers: &mut likeness[from..], stride: padded };
            kernel::add_panel(queries, &keys, sum);
        }

        functions::softmax(&mut likeness, padded, rows);

        for from in (0..size).step_by(PANEL) {
            let place = head * size + from;
            for (value, row) in values.chunks_exact_mut(PANEL).zip(all.chunks_exact(STRIDE)) {
                value.copy_from_slice(&row[2 * WIDTH + place..][..PANEL]);
            }
            let sum = RowsMut { numbers: &mut seen[place..], stride: WIDTH };
            kernel::add_panel(Rows { numbers: &likeness, stride: padded }, &values, sum);
        }
    }

    seen
}
