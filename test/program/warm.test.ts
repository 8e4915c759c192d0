import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dray, warmDray, type WarmOptions } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { configOf, world } from '../support/world.ts'

type Run = readonly [args: readonly string[], options?: WarmOptions]

it('many runs in one process have the output and the exit code of a process each', async () => {
  const at = await world().index('api:1.4.2', ['amd64', 'arm64']).signed().image('api:1.5.0').start()
  const [folder, other] = [await tempFolder(), await tempFolder()]
  await writeFile(join(folder, 'dray.yaml'), configOf(at.staging.host))
  await mkdir(join(other, 'empty'))
  const here = { cwd: folder, env: { HOME: folder } }
  const runs: readonly Run[] = [
    [['ls', '@staging/api'], here],
    // Not what an earlier run had: its colours, its folder, its variables, its exit code.
    [['ls', '@staging/api'], { ...here, env: { ...here.env, FORCE_COLOR: '1' } }],
    [['ls', '@staging/none'], { ...here, env: { ...here.env, GITHUB_ACTIONS: 'true' } }],
    [['ls', '@staging/none'], here],
    [['ls', '@staging/api'], { cwd: join(other, 'empty'), env: { HOME: other } }],
    [['status', '--json'], here],
    [['inspect', '@staging/api:1.4.2', '--tree'], here],
    [['ls', `${at.staging.host}/staging/api`, '--in-use', '-'], { ...here, input: 'none' }],
    [['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--no-such-flag'], here],
    [['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod'], here],
    [['help', 'promote'], here],
    [['config', 'show'], { ...here, env: { ...here.env, TZ: 'Asia/Tokyo' } }],
    [['ls', '@staging/api'], here],
  ]
  for (const [args, options] of runs)
    expect(await warmDray(args, options), args.join(' ')).toEqual(await dray(args, options))
})
