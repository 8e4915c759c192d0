import { join } from 'node:path'
import { run } from './program.ts'
import type { Step } from './steps.ts'

/** The tests of the action, of workflows and of commands in YAML files. */
export const workflowStep: Step = {
  name: 'workflows',
  title: 'actionlint accepts the workflows, and the action and templates pass their tests',
  after: ['bundle'],
  async run({ root }) {
    await run('npx', ['vitest', 'run', 'test/action', 'test/ci-files'], { cwd: root })
    return ''
  },
}

/** The suite takes minutes. */
export const suiteStep: Step = {
  name: 'suite',
  title: 'the test suite passes with the binary for linux-x64',
  after: ['binaries'],
  async run({ root, release }) {
    const { stdout } = await run('npx', ['vitest', 'run'], {
      cwd: root,
      env: { DRAY_PROGRAM: join(release, 'bin', 'dray-linux-x64'), NO_COLOR: '1', FORCE_COLOR: undefined },
    })
    return /^\s*Tests\s+(.*)$/m.exec(stdout)?.[1] ?? ''
  },
}
