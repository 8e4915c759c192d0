import { join } from 'node:path'
import { run } from './program.ts'
import type { CheckContext, Step } from './steps.ts'

/** The host of a program: the part before the version. */
type HostName = 'node' | 'bun'

/**
 * Checks that a program prints `dray/VERSION PLATFORM HOST` and nothing else.
 * @throws Error with the output that it prints instead
 */
export async function expectVersion(
  program: string,
  args: readonly string[],
  host: HostName,
  { version }: Pick<CheckContext, 'version'>,
): Promise<string> {
  const { stdout, stderr } = await run(program, [...args, '--version'])
  const pattern = /^dray\/(\S+) linux-(?:x64|arm64) (node|bun)-v?\d+\.\d+\.\d+\n$/
  const [, foundVersion, foundHost] = pattern.exec(stdout) ?? []
  if (foundVersion !== version || foundHost !== host || stderr !== '')
    throw new Error(`${[program, ...args].join(' ')} --version prints ${JSON.stringify(stdout + stderr)}`)
  return stdout.trim()
}

/** The npm, deb, image and action steps check their own program in the same way. */
export const versionsStep: Step = {
  name: 'versions',
  title: 'bundle, launcher and binary print the same version with their host',
  after: ['bundle', 'binaries'],
  async run(context) {
    const node = process.execPath
    const found = [
      await expectVersion(node, [join(context.root, 'dist', 'dray.cjs')], 'node', context),
      await expectVersion(node, [join(context.root, 'bin', 'dray.js')], 'node', context),
      await expectVersion(join(context.release, 'bin', 'dray-linux-x64'), [], 'bun', context),
    ]
    return [...new Set(found)].join('; ')
  },
}
