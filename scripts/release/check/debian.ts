import { run } from './program.ts'
import type { Step } from './steps.ts'

/** The Debian packages that the steps and the test suite use. */
const wanted: readonly string[] = [
  'binutils',
  'busybox-static',
  'docker-registry',
  'fish',
  'jq',
  'lintian',
  'mandoc',
  'openssl',
  'qemu-user-static',
  'ruby',
  'skopeo',
  'umoci',
  'unzip',
  'zsh',
]

/**
 * Installs programs for the other steps if the user may. Steps without their programs are skipped.
 */
export const debianStep: Step = {
  name: 'debian',
  title: 'Debian packages for the other steps are installed',
  programs: ['apt-get', 'dpkg-query'],
  async run() {
    const missing = await findMissing()
    if (missing.length === 0) return `${wanted.length} packages`
    if (process.getuid?.() !== 0) return `only root can install ${missing.join(', ')}`
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    await run('apt-get', ['-qq', 'update'], { env })
    await run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...missing], { env })
    return `installed ${missing.join(', ')}`
  },
}

async function findMissing(): Promise<readonly string[]> {
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n'])
  const installed = new Set(stdout.split('\n').flatMap((line) => /^(\S+) installed$/.exec(line)?.[1] ?? []))
  return wanted.filter((name) => !installed.has(name))
}
