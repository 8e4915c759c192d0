import { expect, it } from 'vitest'
import { loadedModules, modulesOfBundle } from '../support/loaded-modules.ts'
import { warmDray } from '../support/program.ts'
import { onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'

/** The parts that a promotion needs only for a dray.yaml, a report or a signature. */
const unneeded =
  /^node_modules\/(?:yaml|valibot|cosmiconfig|inquirer|@inquirer|ora|chalk|@sigstore|re2js)\/|^src\/config\/(?:parse|schema|check)|^src\/signing\/|^src\/audit\/(?:webhook|export|attestation)\/|^src\/render\/ci\.ts$|^src\/cli\/(?:setup|help|completion|prune)\/(?!flag-groups)|machine-locks|write-times/

const heavyBuiltins: ReadonlySet<string> = new Set([
  'child_process',
  'dns/promises',
  'http',
  'http2',
  'https',
  'inspector',
  'readline',
  'tls',
  'tty',
  'worker_threads',
  'zlib',
])

const skip = onlyOnNode('modules')

it.skipIf(skip.isSkipped)(`a promotion that is up to date loads only what it uses${skip.note}`, async () => {
  const { staging } = await world().image('api:1.4.2').start()
  const options = { cwd: await tempFolder(), env: { HOME: await tempFolder() } }
  const at = (path: string): string => `${staging.host}/${path}/api:1.4.2`
  const args = ['promote', at('staging'), at('prod'), '--yes']
  expect(await warmDray(args, options)).toMatchObject({ code: 0 })

  const { ended, modules, builtins, recompiled } = await loadedModules(args, options)
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('1 up to date.') as unknown })
  expect(modules.filter((name) => unneeded.test(name))).toEqual([])
  expect(modules.length).toBeLessThanOrEqual(260)
  expect(builtins.filter((name) => heavyBuiltins.has(name))).toEqual([])
  expect(recompiled).toEqual([])
  // This shows that the parts have these names.
  expect([...modulesOfBundle].filter((name) => unneeded.test(name))).toEqual(
    expect.arrayContaining([
      'src/config/parse.ts',
      'src/signing/dsse.ts',
      'src/audit/webhook/webhook-sink.ts',
      'src/render/ci.ts',
      'src/lib/files/machine-locks.ts',
      'node_modules/valibot/dist/index.mjs',
    ]),
  )
})
