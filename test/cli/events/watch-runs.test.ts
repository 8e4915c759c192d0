import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkRules } from '../../../src/cli/events/checks/check-rules.ts'
import { EventMatcher } from '../../../src/cli/events/match-events.ts'
import { startRegistry } from '../../../src/embedded/server.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { RegistryEvent } from '../../../src/usecases/watch/registry-event.ts'
import type { RunReport } from '../../../src/usecases/watch/watch-report.ts'
import { secret, startGuardedRegistry, user } from '../../support/guarded-registry.ts'
import { tempFolder } from '../../support/temp.ts'
import { startWatching, type Watching } from '../../support/watching.ts'
import { type World, world } from '../../support/world.ts'

const tags = '{ semver: ">=1" }'

function configFor(at: World, rules: string, more = ''): string {
  return `version: 1
environments:
  dev: { registry: "${at.staging.host}", path: "dev/{image}" }
  staging: { registry: "${at.staging.host}", path: "staging/{image}" }
  prod: { registry: "${at.staging.host}", path: "prod/{image}", promoteFrom: [staging]${more} }
sync:
  - { name: dr, from: "@staging", to: "${at.staging.host}/dr/{repository}", include: [{ semver: { range: ">=1" } }] }
images: { api: , web: }
watch:
  sources: [{ name: registry, kind: distribution, registry: "${at.staging.host}", secretEnv: A }]
  rules: [${rules}]
`
}

const toProd = `{ on: "@staging/*", tags: ${tags}, do: promote, to: prod, ticket: OPS-1 }`

function pushed(path: string, tag: string, digest?: string): RegistryEvent {
  return { source: 'distribution', kind: 'push', path, tag, ...(digest !== undefined && { digest }) }
}

/** A rule with `gitops`, and a file that has this version. */
async function watchingFile(at: World, version: string): Promise<{ watching: Watching; file: string }> {
  const folder = await tempFolder()
  const file = `${folder}/pod.yaml`
  const image = `${at.staging.host}/prod/api:${version}`
  await writeFile(file, `kind: Pod\nspec:\n  containers:\n  - image: ${image} # c\n`)
  const rule = toProd.replace('do: promote', 'do: promote, gitops: true')
  const config = configFor(at, rule, ', gitops: [{ files: "*.yaml" }]')
  return { watching: await startWatching({ config, folder }), file }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** Waits until the queue has no event that is due. */
async function ended(at: Watching, count: number): Promise<readonly RunReport[]> {
  const runs = (): readonly RunReport[] =>
    at.reports.flatMap((report) => (report.kind === 'run' ? [report] : []))
  while (runs().length < count || at.service.queue.runs > 0) await turn()
  return runs()
}

async function check(at: Watching): Promise<number> {
  const context = at.openContext()
  const matcher = new EventMatcher(at.loaded.config, at.watch)
  try {
    return await checkRules({ rules: at.watch.rules, matcher, service: at.service }, context, at.call)
  } finally {
    await context.close()
  }
}

async function auditLog(folder: string): Promise<readonly Record<string, unknown>[]> {
  const text = await readFile(`${folder}/audit.jsonl`, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('the runs of events', () => {
  it('promotes the image as the command does, with the source as the actor', async () => {
    const at = await world().index('api:1.4.2', ['amd64', 'arm64']).signed().start()
    const folder = await tempFolder()
    const watching = await startWatching({ config: configFor(at, toProd), folder })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    const [run] = await ended(watching, 1)
    const { digest } = at.content('api:1.4.2').root
    expect(run).toMatchObject({
      rule: '@staging/* -> prod',
      subject: '@staging/api',
      result: 'changed',
      tags: ['1.4.2'],
      digests: { '1.4.2': digest },
      errors: [],
    })
    expect(await at.staging.oracle.digest('prod/api', '1.4.2')).toBe(digest)
    const records = await auditLog(folder)
    expect(records.length).toBeGreaterThan(1)
    expect(JSON.stringify(records)).toContain('"says":"watch:registry"')
    expect(JSON.stringify(records)).toContain('"reason":"rule @staging/* -> prod: @staging/api 1.4.2"')
    expect(JSON.stringify(records)).toContain('"ticket":"OPS-1"')
  })

  it('uses the digest of the registry if the tag has moved since the event', async () => {
    const at = await world().image('api:1.4.2').start()
    const watching = await startWatching({ config: configFor(at, toProd), folder: await tempFolder() })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2', digestOf('older'))])
    await watching.advance(2_000)
    await ended(watching, 1)
    const { digest } = at.content('api:1.4.2').root
    expect(await at.staging.oracle.digest('prod/api', '1.4.2')).toBe(digest)
    // The digest that was used counts as processed, not that of the event.
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2', digest)])
    expect(watching.service.counts.totals().events).toEqual({ queued: 1, duplicate: 1 })
  })

  it('does nothing for a tag that the registry does not have', async () => {
    const at = await world().image('api:1.4.2').start()
    const folder = await tempFolder()
    const watching = await startWatching({ config: configFor(at, toProd), folder })
    await watching.service.accept('registry', [
      pushed('staging/api', '9.9.9'),
      pushed('staging/web', '1.0.0'),
    ])
    await watching.advance(2_000)
    expect((await ended(watching, 2)).map(({ result }) => result)).toEqual(['absent', 'absent'])
    expect(watching.service.queue.length).toBe(0)
    expect(await auditLog(folder)).toEqual([])
  })

  it('does not run for the events of its own promotion', async () => {
    const at = await world().image('api:1.4.2').start()
    const watching = await startWatching({ config: configFor(at, toProd), folder: await tempFolder() })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    await ended(watching, 1)
    const { digest } = at.content('api:1.4.2').root
    await watching.service.accept('registry', [
      pushed('prod/api', '1.4.2', digest),
      pushed('staging/api', '1.4.2', digest),
    ])
    await watching.advance(60_000)
    expect(await ended(watching, 1)).toHaveLength(1)
    expect(watching.service.counts.totals().events).toEqual({ queued: 1, ignored: 1, duplicate: 1 })
  })

  it('promotes all due tags of an image in one run', async () => {
    const at = await world().image('api:1.4.2').image('api:1.5.0').image('api:main').start()
    const watching = await startWatching({ config: configFor(at, toProd), folder: await tempFolder() })
    for (const tag of ['1.4.2', '1.5.0', 'main', '1.5.0'])
      await watching.service.accept('registry', [pushed('staging/api', tag)])
    await watching.advance(2_000)
    const runs = await ended(watching, 1)
    expect(runs.map((run) => [run.result, run.tags])).toEqual([['changed', ['1.4.2', '1.5.0']]])
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.4.2', '1.5.0'])
  })

  it('repeats a run when the registry is available again', async () => {
    const storage = memoryStorage()
    const at = await world({ staging: { storage } }).image('api:1.4.2').start()
    const port = Number(at.staging.host.split(':')[1])
    const watching = await startWatching({ config: configFor(at, toProd), folder: await tempFolder() })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await at.staging[Symbol.asyncDispose]()
    // The run ends after the retries of its requests.
    await watching.advance(2_000)
    while (watching.service.counts.totals().runs['retried'] !== 1) await watching.clock.advance(1_000)
    expect(watching.service.queue.length).toBe(1)
    const registry = await startRegistry({ storage, port })
    onTestFinished(() => registry.close())
    while (watching.service.counts.totals().runs['changed'] !== 1) await watching.clock.advance(1_000)
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.4.2'])
    expect(watching.service.queue.length).toBe(0)
  })

  it('uses the credentials of the command line, and shows its requests', async () => {
    const { name } = await startGuardedRegistry({ scheme: 'basic' })
    const config = `version: 1
environments:
  staging: { registry: "${name}", path: "staging/{image}" }
  prod: { registry: "${name}", path: "prod/{image}" }
watch:
  sources: [{ name: registry, kind: distribution, registry: "${name}", secretEnv: A }]
  rules: [${toProd}]
`
    const given = { username: user, password: async () => secret, registry: name }
    const watching = await startWatching({ config, folder: await tempFolder(), context: { given } })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    expect(await ended(watching, 1)).toMatchObject([{ result: 'changed', errors: [] }])
    expect(watching.requests).toContainEqual(
      expect.stringMatching(/^PUT \S+\/v2\/prod\/api\/manifests\/1\.4\.2 201$/),
    )
    expect(JSON.stringify([watching.requests, watching.reports])).not.toContain(secret)
  })

  it('logs a refused run and continues with the next one', async () => {
    const at = await world().image('api:1.4.2').image('web:1.0.0').start()
    const config = configFor(at, toProd.replace(', ticket: OPS-1', ''), ', require: [ticket]')
    const watching = await startWatching({ config, folder: await tempFolder() })
    await watching.service.accept('registry', [
      pushed('staging/api', '1.4.2'),
      pushed('staging/web', '1.0.0'),
    ])
    await watching.advance(2_000)
    // The two runs wait for each other at the audit log.
    while (watching.service.counts.totals().runs['refused'] !== 2) await watching.clock.advance(50)
    const runs = await ended(watching, 2)
    expect(runs.map(({ result }) => result)).toEqual(['refused', 'refused'])
    expect(runs[0]?.errors[0]?.message).toBe('the change of prod has no ticket')
    expect(watching.service.queue.length).toBe(0)
  })

  it('changes nothing with --dry-run', async () => {
    const at = await world().image('api:1.4.2').start()
    const folder = await tempFolder()
    const watching = await startWatching({ config: configFor(at, toProd), folder, isDryRun: true })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    expect((await ended(watching, 1)).map(({ result }) => result)).toEqual(['planned'])
    expect(await at.staging.oracle.tags('prod/api')).toEqual([])
    expect(await auditLog(folder)).toEqual([])
  })

  it('also edits the deployment files of a rule with `gitops`', async () => {
    const at = await world().image('api:1.4.2').start()
    const { watching, file } = await watchingFile(at, '1.0.0')
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    expect(await ended(watching, 1)).toMatchObject([{ result: 'changed', errors: [] }])
    const image = `${at.staging.host}/prod/api:1.4.2@${at.content('api:1.4.2').root.digest}`
    expect(await readFile(file, 'utf8')).toContain(`  - image: ${image} # c\n`)
  })

  it('promotes all versions of an image, and edits the files to the highest one', async () => {
    const at = await world().image('api:1.4.2').image('api:1.10.0').image('api:1.9.0').start()
    const { watching, file } = await watchingFile(at, '1.4.1')
    const events = ['1.10.0', '1.4.2', '1.9.0'].map((tag) => pushed('staging/api', tag))
    await watching.service.accept('registry', events)
    await watching.advance(2_000)
    expect(await ended(watching, 1)).toMatchObject([{ result: 'changed', errors: [], warnings: [] }])
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.10.0', '1.4.2', '1.9.0'])
    expect(await readFile(file, 'utf8')).toContain(`prod/api:1.10.0@`)
  })

  it('promotes a version that is lower than that in the files, and does not edit them', async () => {
    const at = await world().image('api:1.4.2').start()
    const { watching, file } = await watchingFile(at, '3.3.0')
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    expect(await ended(watching, 1)).toMatchObject([
      { result: 'changed', errors: [], warnings: [expect.stringContaining('pod.yaml has 3.3.0')] },
    ])
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.4.2'])
    expect(await readFile(file, 'utf8')).toContain('prod/api:3.3.0 # c\n')
  })

  it('runs a sync rule only for the repository of the event', async () => {
    const at = await world().image('api:1.4.2').image('web:1.0.0').start()
    const rule = '{ do: sync, rule: dr }'
    const watching = await startWatching({ config: configFor(at, rule), folder: await tempFolder() })
    await watching.service.accept('registry', [pushed('staging/api', '1.4.2')])
    await watching.advance(2_000)
    expect(await ended(watching, 1)).toMatchObject([
      { rule: 'sync dr', subject: 'api', result: 'changed', errors: [] },
    ])
    expect(await at.staging.oracle.tags('dr/api')).toEqual(['1.4.2'])
    expect(await at.staging.oracle.tags('dr/web')).toEqual([])
  })
})

describe('the checks without events', () => {
  it('promotes nothing in the first check, and later the versions that are new', async () => {
    const at = await world().image('api:1.4.2').image('api:1.5.0').start()
    const folder = await tempFolder()
    const watching = await startWatching({ config: configFor(at, toProd), folder })
    expect(await check(watching)).toBe(1)
    expect(watching.service.queue.length).toBe(0)
    for (const tag of ['1.3.9', '1.6.0', '1.6.1', '0.9.0', 'main'])
      await at.staging.oracle.push(at.content('api:1.4.2'), 'staging/api', tag)
    expect(await check(watching)).toBe(0)
    await watching.advance(2_000)
    const [run] = await ended(watching, 1)
    expect(run).toMatchObject({ result: 'changed', sources: ['every'], tags: ['1.6.1', '1.6.0'] })
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.6.0', '1.6.1'])
    await check(watching)
    expect(watching.service.queue.length).toBe(0)
    expect(JSON.stringify(await auditLog(folder))).toContain('"says":"watch:every"')
  })

  it('does not promote again what was removed or moved at the destination', async () => {
    const at = await world().image('api:1.4.2').image('api:main').start()
    const rule = `{ on: "@staging/api", tags: ["*.*", main], do: promote, to: prod }`
    const folder = await tempFolder()
    const watching = await startWatching({ config: configFor(at, rule), folder })
    await check(watching)
    await at.staging.oracle.push(at.content('api:1.4.2'), 'staging/api', 'main')
    await at.staging.oracle.push(at.content('api:1.4.2'), 'staging/api', '1.5.0')
    await check(watching)
    await watching.advance(2_000)
    await ended(watching, 1)
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.5.0', 'main'])
    await check(watching)
    await at.staging.oracle.delete('prod/api', '1.5.0')
    await watching.stop()
    // Also after a restart.
    const after = await startWatching({ config: configFor(at, rule), folder, clock: watching.clock })
    expect(await check(after)).toBe(0)
    expect(after.service.queue.length).toBe(0)
  })

  it('starts a refused run again after an hour', async () => {
    const at = await world().image('api:1.4.2').start()
    const config = configFor(at, toProd.replace(', ticket: OPS-1', ''), ', require: [ticket]')
    const watching = await startWatching({ config, folder: await tempFolder() })
    await check(watching)
    await at.staging.oracle.push(at.content('api:1.4.2'), 'staging/api', '1.5.0')
    await check(watching)
    await watching.advance(2_000)
    await ended(watching, 1)
    await check(watching)
    expect(watching.service.queue.length).toBe(0)
    await watching.advance(60 * 60_000)
    await check(watching)
    expect(watching.service.queue.length).toBe(1)
  })

  it('warns about an image that it cannot read, and checks the others', async () => {
    const at = await world().image('web:1.0.0').start()
    const config = configFor(at, toProd).replace(
      'images: { api: , web: }',
      `images: { api: { name: "../api" }, web: }`,
    )
    await expect(startWatching({ config, folder: await tempFolder() })).rejects.toMatchObject({
      code: 'config',
    })
    const other = configFor(at, toProd).replace(
      `staging: { registry: "${at.staging.host}"`,
      'staging: { registry: "127.0.0.1:1"',
    )
    const watching = await startWatching({ config: other, folder: await tempFolder() })
    const checked = check(watching)
    // The requests to the closed port are repeated.
    while (watching.warnings.length < 2) await watching.clock.advance(1_000)
    expect(await checked).toBe(0)
    expect(watching.warnings.toSorted()[0]).toMatch(
      /^cannot check @staging\/api of the rule @staging\/\* -> prod: /,
    )
  })

  it('runs a whole sync rule', async () => {
    const at = await world().image('api:1.4.2').image('web:1.0.0').start()
    const watching = await startWatching({
      config: configFor(at, '{ do: sync, rule: dr }'),
      folder: await tempFolder(),
    })
    await check(watching)
    await watching.advance(2_000)
    expect(await ended(watching, 1)).toMatchObject([{ subject: '*', result: 'changed' }])
    expect(await at.staging.oracle.tags('dr/web')).toEqual(['1.0.0'])
    expect(await readFile(watching.service.journalPath, 'utf8')).toBe('')
  })
})
