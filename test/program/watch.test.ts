import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { loadedModules } from '../support/loaded-modules.ts'
import { workplace, type Workplace } from '../support/workplace.ts'
import { world, type World } from '../support/world.ts'

const token = 'a-secret-of-a-registry'

function configFor(at: World): string {
  const { host } = at.staging
  const source = { name: 'registry', kind: 'distribution', registry: host, secretEnv: 'TOKEN' }
  const rule = { on: '@staging/*', tags: { semver: '>=1' }, do: 'promote', to: 'prod' }
  const watch = { listen: '127.0.0.1:0', journal: 'watch.jsonl', sources: [source], rules: [rule] }
  return JSON.stringify({ ...(JSON.parse(at.config) as object), images: { api: null }, watch })
}

/** Starts dray and returns the URL of its source. */
async function startWatch(
  project: Workplace,
  ...args: readonly string[]
): Promise<ReturnType<Workplace['start']> & { readonly url: string }> {
  const running = project.start('watch', ...args)
  const listening = /Listening on (\S+)\. /
  const [, address = ''] = listening.exec(await running.seen(listening, 'stderr')) ?? []
  return { ...running, url: `${address}/registry` }
}

async function push(url: string, tag: string, digest: string): Promise<number> {
  const target = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest,
    repository: 'staging/api',
    tag,
  }
  const { status } = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: token,
      'content-type': 'application/vnd.docker.distribution.events.v2+json',
    },
    body: JSON.stringify({ events: [{ id: tag, action: 'push', target }] }),
  })
  return status
}

it('runs the event of a process that was killed after its answer', { timeout: 60_000 }, async () => {
  const at = await world().image('api:1.4.2').start()
  const project = await workplace(configFor(at), { TOKEN: token })
  const first = await startWatch(project)
  expect(await push(first.url, '1.4.2', at.content('api:1.4.2').root.digest)).toBe(202)
  first.child.kill('SIGKILL')
  await first.ended
  expect(await at.staging.oracle.tags('prod/api')).toEqual([])

  const second = await startWatch(project, '--metrics', 'dray.prom')
  await second.seen(/ run .* changed @staging\/api 1\.4\.2/)
  expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.4.2'])
  second.child.kill('SIGTERM')
  expect(await second.ended).toBe(0)
  // Written at the end: 15 seconds have not passed since the start.
  const metrics = await readFile(`${project.folder}/dray.prom`, 'utf8')
  expect(metrics).toMatch(/^dray_watch_runs_total\{.*result="changed"\} 1$/m)
  const log = await readFile(project.auditFile, 'utf8')
  expect(log).toContain('"says":"watch:registry"')
  expect(log + (await readFile(`${project.folder}/watch.jsonl`, 'utf8'))).not.toContain(token)
})

it('prints events and runs as JSON Lines', { timeout: 60_000 }, async () => {
  const at = await world().image('api:1.4.2').start()
  const project = await workplace(configFor(at), { TOKEN: token })
  const running = project.start('watch', '--dry-run', '-o', 'jsonl')
  const [first = ''] = (await running.seen(/\n/)).split('\n')
  const { address } = JSON.parse(first) as { readonly address: string }
  const { digest } = at.content('api:1.4.2').root
  expect(await push(`${address}/registry`, '1.4.2', digest)).toBe(202)
  const lines = (await running.seen(/"kind":"run".*\n/)).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { kind: 'listening', metrics: null },
    { kind: 'event', source: 'registry', result: 'queued', tag: '1.4.2', digest },
    { kind: 'run', rule: '@staging/* -> prod', result: 'planned', digests: { '1.4.2': digest } },
  ])
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
  expect(await at.staging.oracle.tags('prod/api')).toEqual([])
})

it('checks the rules once with --once, and exits', async () => {
  const at = await world().image('api:1.4.2').start()
  const project = await workplace(configFor(at))
  const first = await project.run('watch', '--once')
  expect(first).toMatchObject({ code: 0, stdout: 'Events: none. Runs: none.\n' })
  expect(first.stderr).toContain('this is the first check of 1 image')
  await at.staging.oracle.push(at.content('api:1.4.2'), 'staging/api', '1.5.0')
  const second = await project.json('watch', '--once')
  expect(second.document).toMatchObject({
    ok: true,
    result: { events: { queued: 1 }, runs: { changed: 1 }, waiting: 0 },
  })
  expect(await at.staging.oracle.tags('prod/api')).toEqual(['1.5.0'])
})

it('starts only with secrets, rules and valid flags', async () => {
  const at = await world().image('api:1.4.2').start()
  const project = await workplace(configFor(at))
  const missing = await project.run('watch')
  expect(missing.code).toBe(1)
  expect(missing.stderr).toContain('the source registry has no secret')
  expect((await project.run('watch', '--every', '5s')).code).toBe(64)
  expect((await project.run('watch', '--listen', 'here')).code).toBe(64)
  const bare = await workplace(at.config)
  expect((await bare.run('watch')).stderr).toContain('there are no rules to watch')
})

it('is not loaded by other commands', async () => {
  const at = await world().image('api:1.4.2').start()
  const project = await workplace(configFor(at))
  const options = { cwd: project.folder, env: { HOME: project.folder } }
  const { modules } = await loadedModules(['status', 'api'], options)
  const ofWatch = /src\/(?:config|usecases|render)\/watch\/|src\/cli\/events\//
  // The schema of dray.yaml has the names of the sources and the pattern of addresses.
  expect(modules.filter((one) => ofWatch.test(one))).toEqual([
    'src/config/watch/listen-address.ts',
    'src/config/watch/watch-source-kinds.ts',
  ])
})
