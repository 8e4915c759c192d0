import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './program.ts'
import type { Step } from './steps.ts'

const configuration = `version: 1
images:
  api: {}
environments:
  staging:
    registry: registry.example.com
    path: staging/{image}
  prod:
    registry: registry.example.com
    path: prod/{image}
`

/** Command lines that need no registry. */
const commandLines: readonly (readonly string[])[] = [
  ['--version'],
  ['--help'],
  ['help', 'promote'],
  ['promote', '--help'],
  ['config', 'validate'],
  ['config', 'show'],
  ['completion', 'bash'],
]

/** `unshare` gives the program a network without interfaces. */
export const offlineStep: Step = {
  name: 'offline',
  title: 'help, version and configuration work without a network',
  programs: ['unshare'],
  after: ['bundle', 'binaries'],
  async run({ root, release, temporary }) {
    const cwd = join(temporary, 'offline')
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(cwd, 'dray.yaml'), configuration)
    const programs = [
      [process.execPath, join(root, 'dist', 'dray.cjs')],
      [join(release, 'bin', 'dray-linux-x64')],
    ]
    const isolation = process.getuid?.() === 0 ? ['--net'] : ['--net', '--map-root-user']
    for (const program of programs)
      for (const args of commandLines) {
        const { stderr } = await run('unshare', [...isolation, ...program, ...args], { cwd })
        if (stderr !== '') throw new Error(`${[...program, ...args].join(' ')} prints ${stderr}`)
      }
    return `${programs.length * commandLines.length} runs`
  },
}
