import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitBeforeDecision } from '../../../../src/cli/changes/conflicts/decide-again.ts'
import { image } from '../../../support/images.ts'
import { interleavedRuns } from '../../../support/interleaved-runs.ts'
import { tempFolder } from '../../../support/temp.ts'
import { type World, world, type WorldBuilder } from '../../../support/world.ts'

const [old, theirs] = [image({ label: 'old' }), image({ label: 'theirs' })]
const semver = ['exact', 'minor', 'major', 'latest']

/** Registries with `stable` of prod on an old image, and runs that share an audit log. */
async function onOneTag(builder: WorldBuilder = world().image('api:b1').image('api:b2')) {
  const registries = await builder.start()
  const { oracle } = registries.staging
  await oracle.push(old, 'prod/api', 'stable')
  const runs = await interleavedRuns(registries)
  return {
    ...runs,
    registries,
    oracle,
    promotion: (name: string, flags: object = {}) => runs.promotion(name, { tag: ['stable'], ...flags }),
    stable: () => oracle.digest('prod/api', 'stable'),
    stableIs: `${registries.staging.host}/prod/api:stable`,
  }
}

/** Registries with versions of an image in prod, and runs of an environment with floating tags. */
async function withVersions(names: readonly string[], ...inProd: readonly string[]) {
  const builder = names.reduce((one, name) => one.image(name), world())
  const registries = await builder.start()
  const { oracle } = registries.staging
  const runs = await interleavedRuns(registries, { semver })
  const [highest = ''] = inProd
  for (const version of inProd)
    await oracle.push(
      image({ label: version }),
      'prod/api',
      version,
      ...(version === highest ? floating(version) : []),
    )
  return {
    ...runs,
    oracle,
    on: (tag: string) => oracle.digest('prod/api', tag),
    digest: (version: string) => digestIn(registries, version),
  }
}

const floating = (version: string): readonly string[] => ['latest', version.split('.')[0] ?? '']
const digestIn = (registries: World, version: string) => registries.content(`api:${version}`).root.digest

describe('a run that lost a plain tag to a run of the same audit log', () => {
  it('plans again, moves the tag, and names the run that had moved it', async () => {
    const { promotion, registries, stable, stableIs, records } = await onOneTag()
    const loser = await promotion('api:b1')
    await (await promotion('api:b2')).end()
    const [b1, b2] = ['api:b1', 'api:b2'].map((name) => registries.content(name).root.digest)
    const { exitCode, document, warnings } = await loser.end()
    expect(exitCode).toBe(0)
    expect(await stable()).toBe(b1)
    expect(document.images).toMatchObject([
      { status: 'promoted', tags: [{ tag: 'stable', before: b2, after: b1, changed: true }], errors: [] },
    ])
    const won = records().find(({ image: name, result }) => name === 'api:b2' && result === 'done')
    expect(warnings).toEqual([
      expect.stringMatching(
        `^${stableIs} was changed since the plan was made. dray plans again. Run ${won?.run} made that change: promote of api:b2 by `,
      ),
    ])
  })

  it('has in the audit log who won, and the hash of each plan', async () => {
    const { promotion, registries, records } = await onOneTag()
    const loser = await promotion('api:b1')
    await (await promotion('api:b2')).end()
    const { document } = await loser.end()
    const outcomes = records().filter(
      ({ phase, step, image: name }) => phase === 'outcome' && step?.kind === 'tag' && name === 'api:b1',
    )
    const found = registries.content('api:b2').root.digest
    expect(outcomes).toMatchObject([
      {
        plan: document['plan'],
        result: 'conflict',
        before: found,
        movedBy: { operation: 'promote', image: 'api:b2', phase: 'outcome' },
      },
      { plan: (document['decidedAgain'] as string[])[0], result: 'done', before: found },
    ])
    expect(outcomes[0]?.plan).not.toBe(outcomes[1]?.plan)
  })

  it('sends no content again, and counts what it sent', async () => {
    const { promotion, registries } = await onOneTag()
    const loser = await promotion('api:b1')
    await (await promotion('api:b2')).end()
    const { length: layers } = [...registries.content('api:b1').blobs.keys()]
    registries.forget()
    const { document } = await loser.end()
    const mounts = registries.staging.requests.filter(({ method }) => method === 'POST')
    expect(mounts).toHaveLength(layers)
    expect(document.images).toMatchObject([{ transferred: { mounted: layers } }])
  })

  it('is unchanged if that run brought the same image', async () => {
    const { promotion } = await onOneTag()
    const second = await promotion('api:b1')
    await (await promotion('api:b1')).end()
    const { exitCode, document } = await second.end()
    expect(exitCode).toBe(0)
    expect(document.images).toMatchObject([{ tags: [{ changed: false }] }])
  })

  it('reports the winner of the last decision if it loses each time', async () => {
    const { promotion, stable, registries } = await onOneTag(
      world().image('api:b1').image('api:b2').image('api:b3'),
    )
    const loser = await promotion('api:b1')
    let turn = 0
    loser.onPlan = async () => (await promotion(turn++ % 2 === 0 ? 'api:b3' : 'api:b2')).end()
    await (await promotion('api:b2')).end()
    const { exitCode, document } = await loser.end()
    expect(exitCode).toBe(3)
    expect(document['decidedAgain']).toHaveLength(24)
    const b2 = registries.content('api:b2').root.digest
    expect(await stable()).toBe(b2)
    expect(document.images).toMatchObject([
      { status: 'conflict', tags: [{ before: b2, after: b2, movedBy: { image: 'api:b2' } }] },
    ])
  })

  it('does not decide again after a confirmation', async () => {
    const { promotion, stable, registries } = await onOneTag()
    const loser = await promotion('api:b1', { yes: false })
    await (await promotion('api:b2')).end()
    const { exitCode, document, warnings } = await loser.end()
    expect({ exitCode, warnings }).toEqual({ exitCode: 3, warnings: [] })
    expect(await stable()).toBe(registries.content('api:b2').root.digest)
    expect(document.images).toMatchObject([
      {
        status: 'conflict',
        errors: [
          {
            why: expect.stringContaining('promote of api:b2'),
            hint: 'Nothing was overwritten. Run the command again.',
          },
        ],
      },
    ])
  })

  it('keeps the conflict if its source tag is on another image by now', async () => {
    const { promotion, stable, registries, oracle } = await onOneTag()
    const loser = await promotion('api:b1')
    await (await promotion('api:b2')).end()
    await oracle.push(theirs, 'staging/api', 'b1')
    const { exitCode, warnings } = await loser.end()
    expect(exitCode).toBe(3)
    expect(warnings.at(-1)).toBe('the conflict of api:b1 remains: its source changed to another image')
    expect(await stable()).toBe(registries.content('api:b2').root.digest)
  })
})

describe('a run that lost a plain tag to somebody without a record', () => {
  it('leaves the tag, and shows its digest and the wanted digest', async () => {
    const { promotion, stable, registries, oracle } = await onOneTag()
    const loser = await promotion('api:b1')
    await oracle.push(theirs, 'prod/api', 'stable')
    const { exitCode, document, text } = await loser.end()
    expect(exitCode).toBe(3)
    expect(await stable()).toBe(theirs.root.digest)
    expect(document.images).toMatchObject([
      {
        status: 'conflict',
        tags: [
          {
            tag: 'stable',
            before: theirs.root.digest,
            after: theirs.root.digest,
            planned: old.root.digest,
            wanted: registries.content('api:b1').root.digest,
            changed: false,
            movedBy: null,
          },
        ],
      },
    ])
    expect(document).not.toHaveProperty('decidedAgain')
    expect(text).toContain('The audit log has no record of that change.')
  })

  it('writes the hash of its first plan to a report', async () => {
    const file = join(await tempFolder(), 'dray.env')
    const { promotion } = await onOneTag()
    const loser = await promotion('api:b1', { report: [`dotenv=${file}`] })
    await (await promotion('api:b2')).end()
    const { document } = await loser.end()
    expect(readFileSync(file, 'utf8')).toContain(`DRAY_PLAN=${String(document['plan'])}\n`)
  })
})

describe('a run whose floating tags were moved', () => {
  it('moves them on if somebody moved them forward to a lower version than its own', async () => {
    const { promotion, oracle, on, digest } = await withVersions(['api:1.5.0'], '1.3.0')
    const run = await promotion('api:1.5.0')
    await oracle.push(theirs, 'prod/api', '1.4.0', '1', 'latest')
    expect(await run.end()).toMatchObject({ exitCode: 0 })
    expect([await on('1.5.0'), await on('1'), await on('latest')]).toEqual(Array(3).fill(digest('1.5.0')))
  })

  it('keeps them back if somebody brought a higher version', async () => {
    const { promotion, oracle, on, digest } = await withVersions(['api:1.5.0'], '1.3.0')
    const run = await promotion('api:1.5.0')
    await oracle.push(theirs, 'prod/api', '1.6.0', '1', 'latest')
    const { exitCode, document } = await run.end()
    expect(exitCode).toBe(0)
    expect([await on('1.5.0'), await on('1.5')]).toEqual(Array(2).fill(digest('1.5.0')))
    expect([await on('1'), await on('latest')]).toEqual(Array(2).fill(theirs.root.digest))
    expect(document.images).toMatchObject([
      { status: 'promoted', keptTags: [{ tag: '1' }, { tag: 'latest' }], errors: [] },
    ])
  })

  it('leaves them if somebody moved them back', async () => {
    const { promotion, oracle, on } = await withVersions(['api:1.5.0'], '1.4.0', '1.3.0')
    const run = await promotion('api:1.5.0')
    const before = image({ label: '1.3.0' })
    await oracle.push(before, 'prod/api', '1', 'latest')
    const { document, warnings } = await run.end()
    expect(warnings.at(-1)).toMatch(
      /^dray does not move \S+\/prod\/api:(1|latest) again: the audit log has no record of the move, and the tag moved to a lower version$/,
    )
    expect(document.images).toMatchObject([{ status: 'conflict' }])
    expect([await on('1'), await on('latest')]).toEqual(Array(2).fill(before.root.digest))
  })

  it('leaves them after a rollback, and names its run', async () => {
    const { promotion, rollback, on } = await withVersions(['api:1.5.0'], '1.4.0', '1.3.0')
    const run = await promotion('api:1.5.0')
    await (await rollback('api', '1.3.0')).end()
    const { document } = await run.end()
    const why = expect.stringContaining('rollback of api')
    expect(document.images).toMatchObject([{ status: 'conflict', errors: [{ why }] }])
    expect(await on('latest')).toBe(image({ label: '1.3.0' }).root.digest)
  })

  it.each([
    ['1.5.0', '1.4.0'],
    ['1.4.0', '1.5.0'],
  ])('by another run ends with the highest version if %s is promoted before %s', async (first, second) => {
    const { promotion, on, digest } = await withVersions(['api:1.4.0', 'api:1.5.0'], '1.3.0')
    const runs = [await promotion(`api:${second}`), await promotion(`api:${first}`)]
    for (const run of runs.toReversed()) expect(await run.end()).toMatchObject({ exitCode: 0 })
    expect([await on('1'), await on('latest')]).toEqual(Array(2).fill(digest('1.5.0')))
  })
})

it('a version tag that another run put on another image is refused, and never moves', async () => {
  const { promotion, oracle, registries } = await onOneTag()
  const flags = { tag: ['1.4.2'], 'move-tag': true }
  const loser = await promotion('api:b1', flags)
  await (await promotion('api:b2', { tag: ['1.4.2'] })).end()
  expect(await loser.end()).toMatchObject({ exitCode: 3 })
  expect(await oracle.digest('prod/api', '1.4.2')).toBe(registries.content('api:b2').root.digest)
})

describe('the wait before a decision', () => {
  it('is a random part of a limit that doubles up to three seconds', () => {
    const waits = [1, 2, 3, 6, 24].map((decision) => waitBeforeDecision(decision, () => 0.5))
    expect(waits).toEqual([50, 100, 200, 1_500, 1_500])
    expect(waitBeforeDecision(1, () => 0)).toBe(0)
  })
})
