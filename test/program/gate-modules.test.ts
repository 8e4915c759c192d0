import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newSigner } from '../support/gates/test-signer.ts'
import { dray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { toProd } from '../support/workplace.ts'
import { world } from '../support/world.ts'

const preload = join(import.meta.dirname, '../support/log-modules.ts')
/** The parts of the program that only gates and residency need. */
const ofGates =
  /\/((?:apply-gate-results|gate-checks|gate-errors|gate-sources|gate-run|plan-guard|judge|(?:load|read|review)-gates|(?:\w+-)?residency|condition|trusted-\w+|sigstore|cel-js)\.cjs)$/

/** Runs a promotion, and returns the parts of the program that it loads for gates. */
async function gateModules(config: string): Promise<readonly string[]> {
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), config)
  await writeFile(join(folder, 'build.pub'), newSigner().publicKeyPem)
  const modules = join(folder, 'modules')
  const env = { HOME: folder, NODE_OPTIONS: `--import ${preload}`, DRAY_TEST_MODULES: modules }
  await dray(toProd('api:1.4.2'), { cwd: folder, env })
  const loaded = readFileSync(modules, 'utf8').trim().split('\n')
  expect(loaded.some((url) => url.endsWith('/carry-out.cjs'))).toBe(true)
  return loaded.flatMap((url) => ofGates.exec(url)?.[1] ?? [])
}

it('a promotion without gates loads no part of the program that is for gates', async () => {
  const { config } = await world().image('api:1.4.2').start()
  expect(await gateModules(config)).toEqual([])
  const { environments, ...rest } = JSON.parse(config) as { environments: { prod: object } }
  const gates = [{ name: 'signed', signature: { signedBy: ['build'] } }]
  const gated = {
    ...rest,
    signers: { build: { keys: ['build.pub'] } },
    environments: { ...environments, prod: { ...environments.prod, gates } },
  }
  const needed = await gateModules(JSON.stringify(gated))
  expect(needed).toEqual(expect.arrayContaining(['judge.cjs', 'plan-guard.cjs', 'load-gates.cjs']))
})
