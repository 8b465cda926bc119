// Where measurements in the browser leave their figures for `cargo xtask bench`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Adds figures to the file that the bench reads; several files of measurements write into one. */
export function keepFigures(figures) {
  const file = process.env.GANTRY_BENCH_RESULT;
  if (!file) return;
  let before = {};
  try {
    before = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The first one makes the file.
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...before, ...figures }));
}
