import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadedModules } from '../support/loaded-modules.ts'
import { warmDray } from '../support/program.ts'
import { onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { toProd } from '../support/workplace.ts'
import { configOf, world } from '../support/world.ts'

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'dray.cjs')

/** Modules of Node that take a millisecond or more, and that few runs need. */
const rare = new Set(
  'assert child_process https inspector perf_hooks readline tls tty worker_threads'.split(' '),
)

const skip = onlyOnNode('modules')

describe.skipIf(skip.isSkipped)(`the budget of the start${skip.note}`, () => {
  it('is 8 MB for the bundle, which each run reads', () => {
    expect(statSync(bundle).size).toBeLessThan(8_000_000)
  })

  it('is 95 modules for plan show, and 368 for a promotion with nothing to do', async () => {
    const at = await world().image('api:1.4.2').start()
    const folder = await tempFolder()
    await writeFile(join(folder, 'dray.yaml'), configOf(at.staging.host))
    const here = { cwd: folder, env: { HOME: folder } }
    expect(await warmDray([...toProd('api:1.4.2'), '--out', 'plan.json'], here)).toMatchObject({ code: 0 })
    expect(await warmDray(toProd('api:1.4.2'), here)).toMatchObject({ code: 0 })

    const show = await loadedModules(['plan', 'show', 'plan.json'], here)
    expect(show.ended).toMatchObject({ code: 0, stderr: '' })
    expect(show.modules.length).toBeLessThanOrEqual(95)
    expect(show.builtins.filter((name) => rare.has(name) || name === 'http')).toEqual([])

    const promote = await loadedModules(toProd('api:1.4.2'), here)
    expect(promote.ended.stdout).toContain('1 up to date')
    expect(promote.modules.length).toBeLessThanOrEqual(368)
    expect(promote.builtins.filter((name) => rare.has(name))).toEqual([])
  })
})
