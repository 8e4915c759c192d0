import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Carrier, carrier } from '../support/bundles/carrier.ts'
import { image, index } from '../support/images.ts'
import { startDray, warmDray } from '../support/program.ts'

const blockSize = 512

/** The entries of a tar of dray: the position of each header, and the end of the content. */
function entriesOf(
  tar: Buffer,
): readonly { readonly at: number; readonly size: number; readonly end: number }[] {
  const entries: { at: number; size: number; end: number }[] = []
  for (let at = 0; tar[at] !== 0;) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8)
    const end = at + blockSize + Math.ceil(size / blockSize) * blockSize
    entries.push({ at, size, end })
    at = end
  }
  return entries
}

async function packed(flags: readonly string[] = []): Promise<{ world: Carrier; tar: Buffer }> {
  const world = await carrier()
  await world.source.oracle.push(image({ label: 'a' }), 'a', '1')
  await world.create('base.tar', ['a:1'], ...flags)
  return { world, tar: await readFile(join(world.folder, 'base.tar')) }
}

const refused = 'refused without a request'

/** The result of the application of a damaged bundle. */
async function outcomeOf(world: Carrier, tar: Uint8Array, from: string): Promise<string> {
  world.destination.forget()
  await writeFile(join(world.folder, 'bad.tar'), tar)
  const { code } = from === 'file' ? await world.apply('bad.tar') : await world.applyPiped(tar)
  if (code !== 1 && code !== 3) return `exit code ${code}`
  const { length } = world.destination.requests
  return length === 0 ? refused : `${length} requests`
}

describe.each(['file', 'pipe'])('a damaged bundle from a %s sends no request to the destination', (from) => {
  it('if any byte was flipped, in each part of each entry', { timeout: 120_000 }, async () => {
    const { world, tar } = await packed()
    await using _ = world
    const entries = entriesOf(tar)
    expect(entries.length).toBeGreaterThan(5)
    const positions = entries.flatMap(({ at, size, end }) => [
      ...[0, 100, 124, 136, 148, 156, 257, 329, 500].map((offset) => at + offset),
      at + blockSize,
      at + blockSize + Math.floor(size / 2),
      at + blockSize + size - 1,
      end - 1,
    ])
    const wanted = from === 'file' ? positions : positions.filter((_position, i) => i % 4 === 0)
    for (const position of new Set([...wanted, tar.length - 1])) {
      const bad = Buffer.from(tar)
      bad[position] = (bad[position] ?? 0) ^ 1
      expect(await outcomeOf(world, bad, from)).toBe(refused)
    }
  })

  it('if an entry is missing, doubled, moved or foreign', { timeout: 120_000 }, async () => {
    const { world, tar } = await packed()
    await using _ = world
    const entries = entriesOf(tar)
    const parts = entries.map(({ at, end }) => tar.subarray(at, end))
    const end = tar.subarray(entries.at(-1)?.end ?? 0)
    const built = (...some: readonly (Uint8Array | undefined)[]): Buffer =>
      Buffer.concat([...some.flatMap((one) => one ?? []), end])
    for (const i of parts.keys()) {
      expect(await outcomeOf(world, built(...parts.toSpliced(i, 1)), from)).toBe(refused)
      expect(await outcomeOf(world, built(...parts.toSpliced(i, 0, parts[i] as Buffer)), from)).toBe(refused)
    }
    const [last, before] = [parts.at(-1), parts.at(-2)]
    expect(await outcomeOf(world, built(...parts.slice(0, -2), last, before), from)).toBe(refused)
    const other = await packed()
    await using _other = other.world
    await other.world.source.oracle.push(image({ label: 'other' }), 'b', '1')
    await other.world.create('other.tar', ['b:1'])
    const foreign = await readFile(join(other.world.folder, 'other.tar'))
    const foreignBlob = entriesOf(foreign).at(-1)
    expect(
      await outcomeOf(world, built(...parts, foreign.subarray(foreignBlob?.at, foreignBlob?.end)), from),
    ).toBe(refused)
  })

  it('if it is cut at or inside an entry', { timeout: 120_000 }, async () => {
    const { world, tar } = await packed()
    await using _ = world
    for (const { at, end, size } of entriesOf(tar)) {
      for (const length of [at, at + 100, at + blockSize, at + blockSize + (size >> 1), end])
        expect(await outcomeOf(world, tar.subarray(0, length), from)).toBe(refused)
    }
    expect(await outcomeOf(world, tar.subarray(0, tar.length - 1), from)).toBe(refused)
    expect(await outcomeOf(world, Buffer.concat([tar, Buffer.from([0])]), from)).toBe(refused)
  })
})

describe('the signature of a bundle', () => {
  const keys = async (folder: string, name: string): Promise<void> => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    await writeFile(join(folder, `${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await writeFile(join(folder, `${name}.pub.pem`), publicKey.export({ format: 'pem', type: 'spki' }))
  }

  it('must be of a key of --key; unsigned, of another key and of another bundle are refused', async () => {
    await using world = await carrier()
    const { folder, source, destination } = world
    await keys(folder, 'own')
    await keys(folder, 'other')
    await source.oracle.push(image({ label: 'a' }), 'a', '1')
    await source.oracle.push(image({ label: 'b' }), 'b', '1')
    const sign = ['--sign-key', join(folder, 'own.pem')]
    await world.create('a.tar', ['a:1'], ...sign)
    await world.create('b.tar', ['b:1'], ...sign)
    await world.create('plain.tar', ['a:1'])
    const [a, b] = [await readFile(join(folder, 'a.tar')), await readFile(join(folder, 'b.tar'))]
    const [ofA, ofB] = [entriesOf(a)[3], entriesOf(b)[3]]
    const swapped = Buffer.concat([
      a.subarray(0, ofA?.at),
      b.subarray(ofB?.at, ofB?.end),
      a.subarray(ofA?.end),
    ])
    await writeFile(join(folder, 'swapped.tar'), swapped)
    for (const [file, key] of [
      ['plain.tar', 'own.pub.pem'],
      ['a.tar', 'other.pub.pem'],
      ['swapped.tar', 'own.pub.pem'],
    ] as const) {
      const ended = await world.apply(file, '--key', key)
      expect([1, 3]).toContain(ended.code)
      expect(ended.stderr).toMatch(/is not signed|is not valid/)
    }
    expect(destination.requests).toEqual([])
    expect(await world.apply('a.tar', '--key', 'own.pub.pem')).toMatchObject({ code: 0, stderr: /^Receipt/ })
  })

  it('is required by require: [signed] of the environment', async () => {
    await using world = await carrier()
    const { folder, env, source, destination } = world
    await keys(folder, 'own')
    await source.oracle.push(image({ label: 'a' }), 'a', '1')
    await world.create('plain.tar', ['a:1'])
    await world.create('signed.tar', ['a:1'], '--sign-key', join(folder, 'own.pem'))
    const config = join(folder, 'dray.yaml')
    await writeFile(
      config,
      `version: 1\nenvironments:\n  prod:\n    registry: ${destination.host}\n    path: prod/{image}\n    require: [signed]\nsigners:\n  ci: { keys: [own.pub.pem] }\n`,
    )
    const apply = (file: string, to: string) =>
      warmDray(['bundle', 'apply', file, '--to', to, '--yes', '--config', config], { cwd: folder, env })
    for (const to of ['@prod', `${destination.host}/prod`]) {
      const unsigned = await apply('plain.tar', to)
      expect(unsigned).toMatchObject({ code: 3, stderr: expect.stringContaining('is not signed') })
    }
    expect(destination.requests).toEqual([])
    expect(await apply('signed.tar', '@prod')).toMatchObject({ code: 0 })
    expect(await destination.oracle.digest('prod/a', '1')).toBeDefined()
  })
})

describe('dray bundle apply that is killed', () => {
  it(
    'at any request writes no tag of incomplete content, and the next run completes it',
    { timeout: 240_000 },
    async () => {
      const a = index(['linux/amd64'], { label: 'a' })
      for (let stopAt = 1, isDone = false; !isDone; stopAt++) {
        let kill: (() => void) | undefined
        let count = 0
        await using world = await carrier({
          onRequest: () => {
            if (++count === stopAt) kill?.()
          },
        })
        await world.source.oracle.push(a, 'a', '1')
        await world.create('base.tar', ['a:1'])
        const { folder: cwd, env, destination } = world
        const run = startDray(['bundle', 'apply', 'base.tar', '--to', world.place, '--yes'], { cwd, env })
        kill = () => void run.child.kill('SIGKILL')
        isDone = (await run.ended) === 0
        kill = undefined
        const tagged = await destination.oracle.digest('hub/a', '1')
        const differences = tagged === undefined ? [] : await destination.oracle.differences('hub/a', a, '1')
        expect(differences).toEqual([])
        expect(await world.apply('base.tar')).toMatchObject({ code: 0 })
        expect(await destination.oracle.differences('hub/a', a, '1')).toEqual([])
      }
    },
  )

  it('two runs at once both succeed', async () => {
    await using world = await carrier()
    const a = index(['linux/amd64', 'linux/arm64'], { label: 'a' })
    await world.source.oracle.push(a, 'a', '1')
    await world.create('base.tar', ['a:1'])
    const both = await Promise.all([world.apply('base.tar'), world.apply('base.tar')])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(await world.destination.oracle.differences('hub/a', a, '1')).toEqual([])
  })
})
