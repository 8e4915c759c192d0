import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadedModules, modulesOfBundle } from '../support/loaded-modules.ts'
import { onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { toProd } from '../support/workplace.ts'
import { world } from '../support/world.ts'

/** The parts of the program that only gates and residency need. */
const ofGates =
  /^src\/gates\/|\/(?:apply-gate-results|gate-checks|gate-errors|gate-sources|gate-run|plan-guard|(?:load|read|review)-gates|(?:\w+-)?residency|condition|trusted-root)\.ts$|@sigstore|cel-js/

/** The parts of the program that only inventories of vendors need. */
const ofInventories = /^src\/registry\/(?:vendors\/|known-vendors|open-inventories)|aws-sdk|smithy/

const skip = onlyOnNode('modules')

it.skipIf(skip.isSkipped)(
  `a promotion without gates loads no part of the program that is for gates or inventories${skip.note}`,
  async () => {
    const { config } = await world().image('api:1.4.2').start()
    const folder = await tempFolder()
    await writeFile(join(folder, 'dray.yaml'), config)
    const { ended, modules } = await loadedModules(toProd('api:1.4.2'), {
      cwd: folder,
      env: { HOME: folder },
    })
    expect(ended).toMatchObject({ code: 0 })
    expect(modules).toContain('src/cli/changes/carry-out.ts')
    expect(modules.filter((name) => ofGates.test(name))).toEqual([])
    expect(modules.filter((name) => ofInventories.test(name))).toEqual([])
    // This shows that the parts have these names.
    expect([...modulesOfBundle].filter((name) => ofInventories.test(name))).toEqual(
      expect.arrayContaining([
        'src/registry/open-inventories.ts',
        'src/registry/vendors/api/create-vendor-api.ts',
        'src/registry/vendors/harbor.ts',
      ]),
    )
    expect([...modulesOfBundle].filter((name) => ofGates.test(name))).toEqual(
      expect.arrayContaining([
        'src/gates/judge.ts',
        'src/config/gates/read-gates.ts',
        'src/cli/gates/load-gates.ts',
        'node_modules/@marcbachmann/cel-js/lib/index.js',
      ]),
    )
  },
)
