import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { toProd } from '../support/workplace.ts'
import { world } from '../support/world.ts'

const chunks = join(import.meta.dirname, '../../dist/chunks')
const preload = join(import.meta.dirname, '../support/log-modules.ts')
/** The parts of the program that only gates and residency need. */
const ofGates =
  /^(?:apply-gate-results|gate-checks|gate-errors|gate-sources|gate-run|plan-guard|judge|(?:load|read|review)-gates|(?:\w+-)?residency|condition|trusted-\w+|sigstore|cel-js)\.cjs$/

it('a promotion without gates loads no part of the program that is for gates', async () => {
  const { config } = await world().image('api:1.4.2').start()
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), config)
  const modules = join(folder, 'modules')
  const env = { HOME: folder, NODE_OPTIONS: `--import ${preload}`, DRAY_TEST_MODULES: modules }
  await dray(toProd('api:1.4.2'), { cwd: folder, env })
  const urls = readFileSync(modules, 'utf8').trim().split('\n')
  const loaded = urls.map((url) => url.slice(url.lastIndexOf('/') + 1))
  expect(loaded).toContain('carry-out.cjs')
  expect(loaded.filter((name) => ofGates.test(name))).toEqual([])
  // This shows that the parts have these names.
  expect(readdirSync(chunks).filter((name) => ofGates.test(name))).toEqual(
    expect.arrayContaining(['judge.cjs', 'plan-guard.cjs', 'load-gates.cjs']),
  )
})
