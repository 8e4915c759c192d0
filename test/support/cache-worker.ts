import { writeSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'
import { ContentCache } from '../../src/images/cache/content-cache.ts'
import { Remembered } from '../../src/images/cache/remembered.ts'
import { digestOf } from '../../src/oci/digest.ts'

/**
 * The script of a process that uses a cache heavily. Its arguments are FOLDER, ROUNDS (0 for no
 * end), MAX-BYTES and SEED. It prints `begun`, a line for each problem, and `hits N` at its end.
 */
const [folder = '', rounds = '0', maxBytes = '0', seed = '1'] = process.argv.slice(2)
const report = (text: string): void => void writeSync(1, `wrong: ${text}\n`)
const options = { folder, clock: systemClock, warn: report, maxBytes: Number(maxBytes) }
const cache = new ContentCache(options)
const remembered = new Remembered('seen', options)
let state = Number(seed)
const random = (below: number): number => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state % below
}

writeSync(1, 'begun\n')
let hits = 0
const last = rounds === '0' ? Infinity : Number(rounds)
for (let round = 0; round < last; round++) {
  const which = random(400)
  const bytes = Buffer.alloc(1 + ((which * 97) % 9000), `content ${which} `)
  const digest = digestOf(bytes)
  const found = await cache.get(digest)
  if (found === undefined) {
    await cache.put(digest, bytes)
    if (which % 9 === 0) await cache.flush()
  } else if (bytes.equals(found)) hits++
  else report(`${digest} has other content`)
  const key = `repository ${which % 5}`
  const seen = (await remembered.get(key)) as { readonly key: string; readonly tags: string[] } | undefined
  if (seen !== undefined && (seen.key !== key || seen.tags.length !== 50)) report(`${key} is incomplete`)
  if (which % 7 === 0)
    await remembered.put(key, { key, tags: Array.from({ length: 50 }, () => String(which)) })
}
writeSync(1, `hits ${hits}\n`)
