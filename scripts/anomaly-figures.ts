/**
 * Prints how often `dray audit anomalies` is wrong in simulated logs: `node
 * scripts/anomaly-figures.ts [SEEDS]`. The tests assert bounds of the same figures.
 */
import { anomalyRules } from '../src/audit/anomalies/finding.ts'
import { falsePerWeek, scoreLog } from '../test/support/anomalies/score-log.ts'

const seeds = Array.from({ length: Number(process.argv[2] ?? 6) }, (_, i) => i + 1)
const quiet = seeds.map((seed) => scoreLog(seed, false))
const troubled = seeds.map((seed) => scoreLog(seed, true))

console.log(`${seeds.length} logs of 8 people and 2 bots, 13 scored weeks each\n`)
console.log('findings without an incident, per week')
for (const rule of anomalyRules) console.log(`  ${rule.padEnd(22)} ${falsePerWeek(quiet, rule).toFixed(3)}`)
const missed = troubled.flatMap((one) => one.missed)
console.log(`\nmissed incidents: ${missed.length === 0 ? 'none' : missed.join(', ')}`)
