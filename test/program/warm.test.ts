import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commands } from '../../src/cli/program/commands.ts'
import { dray, warmDray, type WarmOptions } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { toProd } from '../support/workplace.ts'
import { configOf, world } from '../support/world.ts'

type Run = readonly [args: readonly string[], options?: WarmOptions]

it(
  'runs in one process have the output and the exit code of a process each',
  { timeout: 60_000 },
  async () => {
    const at = await world().index('api:1.4.2', ['amd64', 'arm64']).signed().start()
    const [folder, other] = [await tempFolder(), await tempFolder()]
    await writeFile(join(folder, 'dray.yaml'), configOf(at.staging.host))
    await mkdir(join(other, 'empty'))
    const here = { cwd: folder, env: { HOME: folder } }
    const list = ['ls', '@staging/api']
    const runs: readonly Run[] = [
      [list, here],
      // Each of these has a colour, a variable, an exit code, a folder or an input of its own.
      [list, { ...here, env: { ...here.env, FORCE_COLOR: '1' } }],
      [['ls', '@staging/none'], { ...here, env: { ...here.env, GITHUB_ACTIONS: 'true' } }],
      [['ls', '@staging/none'], here],
      [list, { cwd: join(other, 'empty'), env: { HOME: other } }],
      [[...list, '--no-such-flag'], here],
      [toProd('api:1.4.2').slice(0, -1), here],
      [list, here],
    ]
    for (const [args, options] of runs)
      expect(await warmDray(args, options), args.join(' ')).toEqual(await dray(args, options))
  },
)

/** They have the same output each time. */
const repeatable = [
  'audit checkpoint --sign-key key.pem',
  'audit verify',
  'bundle create base.tar @prod/api:1.4.2',
  'bundle verify base.tar',
  'bundle apply base.tar --to oci:./mirror --dry-run',
  'check api:1.4.2 --to prod',
  'config init --print',
  'config schema',
  'config validate',
  'diff staging prod',
  'history @prod/api',
  'inspect @prod/api:1.4.2',
  'k8s prepull --env prod',
  'logout registry.example.com',
  'mirror-config hub --format containerd',
  'plan show plan.json',
  'status api',
]
/** They change something or show the time. */
const others = [
  'apply plan.json --yes',
  'approve api:1.4.2 --to prod --key key.pem --yes',
  'audit anomalies',
  'audit merge audit.jsonl --out all.jsonl',
  'explain @prod/api:1.4.2',
  'gitops update --env prod --yes',
  'hold @prod/api:1.4.2 --reason incident --yes',
  'report --out report.html',
  'rollback @prod/api --to 1.4.2 --yes',
  'sync api --dry-run',
  'tag @prod/api:1.4.2 --tags former --yes',
  'usage @prod',
]
/** Other tests of signals, modules, credentials, pipes and concurrent runs start these. */
const startedElsewhere = [
  'audit export',
  'audit log',
  'auth explain',
  'completion',
  'config show',
  'copy',
  'doctor',
  'gitops diff',
  'gitops pin',
  'help',
  'k8s pull-secret',
  'login',
  'ls',
  'promote',
  'prune',
  'serve',
  'watch',
]

it('commands also end in a process of its own, with the same output', { timeout: 60_000 }, async () => {
  const at = await world().index('api:1.4.2', ['amd64', 'arm64']).signed().image('api:1.5.0').start()
  const folder = await tempFolder()
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(join(folder, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const { environments, ...config } = JSON.parse(configOf(at.staging.host)) as {
    environments: { prod: object }
  }
  const prod = {
    ...environments.prod,
    tags: { semver: ['exact', 'latest'] },
    gitops: [{ files: ['clusters/*.yaml'] }],
  }
  await mkdir(join(folder, 'clusters'))
  await writeFile(join(folder, 'clusters', 'api.yaml'), `image: ${at.staging.host}/prod/api:1.4.2\n`)
  const rules = [{ name: 'old', repositories: ['@prod/**'], tags: ['pr-*'], olderThan: '14d' }]
  const retention = { protect: [{ tags: ['latest'] }], rules }
  const hub = { name: 'hub', from: 'docker.io', repositories: ['library/alpine'] }
  const sync = [
    { ...hub, to: 'mirror.example.com/{repository}' },
    { name: 'api', from: '@staging', to: '@prod' },
  ]
  const all = { ...config, environments: { ...environments, prod }, images: { api: {} }, retention, sync }
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify(all))
  const here = { cwd: folder, env: { HOME: folder, DRAY_AUDIT_FILE: join(folder, 'audit.jsonl') } }
  for (const version of ['1.4.2', '1.5.0'])
    expect(await warmDray(toProd(`api:${version}`), here)).toMatchObject({ code: 0 })
  const tag = ['tag', '@prod/api:1.5.0', '--tags', 'stable', '--out', 'plan.json']
  expect(await warmDray(tag, here)).toMatchObject({ code: 0 })

  for (const command of repeatable) {
    const args = command.split(' ')
    const ended = await dray(args, here)
    expect(ended.code, command + ended.stderr).toBe(0)
    expect(await warmDray(args, here), command).toEqual(ended)
  }
  for (const command of others) {
    const ended = await dray(command.split(' '), here)
    expect(ended.code, command + ended.stderr).toBe(0)
  }
})

it('each command ends in a process of its own in some test', () => {
  const names = Object.keys(commands).map((id) => id.replaceAll(':', ' '))
  const isHere = (name: string): boolean => [...repeatable, ...others].some((one) => one.startsWith(name))
  expect(names.filter((name) => !isHere(name)).toSorted()).toEqual(startedElsewhere)
})
