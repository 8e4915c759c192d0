import { parseArgs } from 'node:util'
import { crash, type KillPoint } from '../test/support/faults/crash.ts'
import { closeSources, type SetUp, setUps, syncSetUps } from '../test/support/faults/set-ups.ts'

/**
 * The crash sweep: promotes or syncs with the built program and kills it at each request to the
 * destination, before and after the registry handles it, and at positions spread over all bytes.
 * It then repeats the command, and the oracle checks the result. Ends with 1 if something is wrong.
 *
 *     node scripts/sweep-crashes.ts --only "between registries" --places 40
 */
const { values } = parseArgs({
  options: {
    /** the name of a set-up */
    only: { type: 'string' },
    /** the number of positions in the bytes */
    places: { type: 'string', default: '40' },
  },
})

const names: ReadonlySet<string> = new Set([
  'within one registry',
  'between registries',
  'index with evidence',
  'index with evidence, docker-registry',
])
const chosen = [...setUps, ...syncSetUps].filter(({ name, syncs }) =>
  values.only === undefined ? syncs || names.has(name) : name === values.only,
)
let isBroken = false

async function sweep(setUp: SetUp): Promise<void> {
  const clean = await crash(setUp, undefined)
  if (clean.complaints.length > 0) throw new Error(clean.complaints.join('\n'))
  const places = Number(values.places)
  const moments: readonly KillPoint[] = [
    ...Array.from({ length: clean.requests }, (_, request): KillPoint => ({ when: 'before', request })),
    ...Array.from({ length: clean.requests }, (_, request): KillPoint => ({ when: 'after', request })),
    ...Array.from({ length: places }, (_, i): KillPoint => ({
      when: 'in the middle',
      byte: Math.round((clean.bytes * (i + 0.5)) / places),
    })),
  ]
  let struck = 0
  let broken = 0
  const begin = performance.now()
  for (const moment of moments) {
    const { isKilled, complaints } = await crash(setUp, moment)
    if (isKilled) struck++
    if (complaints.length === 0) continue
    broken++
    process.stdout.write(`  BROKEN: ${JSON.stringify(moment)}: ${complaints.join('; ')}\n`)
  }
  isBroken ||= broken > 0
  const seconds = ((performance.now() - begin) / 1000).toFixed(0)
  process.stdout.write(
    `${setUp.name}: ${moments.length} runs, ${struck} killed, ${broken} broken, ${seconds} s\n`,
  )
}

for (const setUp of chosen) await sweep(setUp)
await closeSources()
process.exit(isBroken ? 1 : 0)
