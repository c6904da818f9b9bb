// Outlines around where most of a group lies: density on a grid, and the level that holds a share.

const CELLS = 96;
const BLUR = 1.8; // cells
const HELD = 0.7; // share of a group inside its outline
const FEWEST = 12; // points of a group that has an outline

// Segments [x0, y0, x1, y1, ...] in the units of `places` (three numbers a point), or null.
function outline(places, positions, range) {
  if (positions.length < FEWEST) return null;
  const side = ([low, high]) => ({ low: low - 0.1 * (high - low), step: (1.2 * (high - low)) / (CELLS - 1) });
  const across = side(range.x);
  const up = side(range.y);
  let density = new Float32Array(CELLS * CELLS);
  for (const i of positions) {
    const column = Math.round((places[3 * i] - across.low) / across.step);
    const row = Math.round((places[3 * i + 1] - up.low) / up.step);
    if (column >= 0 && row >= 0 && column < CELLS && row < CELLS) density[row * CELLS + column] += 1;
  }
  density = blurred(blurred(density, 1), CELLS);
  return segments(density, levelHolding(density, HELD), across, up);
}

// Smooth along one direction, in which neighbours are `stride` apart.
function blurred(grid, stride) {
  const reach = Math.ceil(3 * BLUR);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * BLUR ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight);
  const result = new Float32Array(grid.length);
  const other = stride === 1 ? CELLS : 1;
  for (let line = 0; line < CELLS; line += 1) {
    for (let at = 0; at < CELLS; at += 1) {
      const value = grid[line * other + at * stride];
      if (!value) continue;
      for (let d = -reach; d <= reach; d += 1) {
        if (at + d < 0 || at + d >= CELLS) continue;
        result[line * other + (at + d) * stride] += (value * weights[d + reach]) / total;
      }
    }
  }
  return result;
}

// The highest level above which the grid holds this share of its sum.
function levelHolding(density, share) {
  const sorted = Float32Array.from(density).sort().reverse();
  const wanted = share * sorted.reduce((sum, value) => sum + value, 0);
  let held = 0;
  for (const value of sorted) {
    held += value;
    if (held >= wanted) return value;
  }
  return 0;
}

// Marching squares: the line at `level` through every cell of the grid.
function segments(grid, level, across, up) {
  const lines = [];
  for (let row = 0; row + 1 < CELLS; row += 1) {
    for (let column = 0; column + 1 < CELLS; column += 1) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
      const values = corners.map(([dx, dy]) => grid[(row + dy) * CELLS + column + dx]);
      const crossings = [];
      corners.forEach(([x0, y0], i) => {
        const j = (i + 1) % 4;
        if (values[i] >= level === values[j] >= level) return;
        const share = (level - values[i]) / (values[j] - values[i]);
        const [x1, y1] = corners[j];
        crossings.push([
          across.low + (column + x0 + share * (x1 - x0)) * across.step,
          up.low + (row + y0 + share * (y1 - y0)) * up.step,
        ]);
      });
      for (let i = 0; i + 1 < crossings.length; i += 2) lines.push(...crossings[i], ...crossings[i + 1]);
    }
  }
  return lines;
}
