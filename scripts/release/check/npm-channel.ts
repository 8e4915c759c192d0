import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './program.ts'
import type { CheckContext, Step } from './steps.ts'
import { expectVersion } from './versions.ts'

export const npmStep: Step = {
  name: 'npm-install',
  title: 'the npm package installs one package, and npx prints nothing else',
  after: ['npm'],
  async run(context) {
    const tarball = join(context.release, `dray-${context.version}.tgz`)
    const prefix = join(context.temporary, 'npm-prefix')
    // npm must not use a package that an earlier run left in its cache.
    const env = {
      npm_config_cache: join(context.temporary, 'npm-cache'),
      npm_config_update_notifier: 'false',
    }
    await run('npm', ['install', '--global', '--prefix', prefix, tarball], { env })
    await expectOnePackage(prefix)
    const program = join(prefix, 'bin', 'dray')
    await expectVersion(program, [], 'node', context)
    const pages = ['dray.1', 'dray-promote.1'].filter(
      (name) => !existsSync(join(prefix, 'share', 'man', 'man1', name)),
    )
    if (pages.length > 0) throw new Error(`npm installed no man page ${pages.join(', ')}`)
    await runWithNpx(tarball, env, context)
    await run('npm', ['uninstall', '--global', '--prefix', prefix, 'dray'], { env })
    if (existsSync(program)) throw new Error('npm uninstall keeps the program')
    return ''
  },
}

async function expectOnePackage(prefix: string): Promise<void> {
  const { stdout } = await run('npm', ['ls', '--global', '--prefix', prefix, '--all', '--parseable'])
  const names = stdout.trim().split('\n').slice(1)
  if (names.length !== 1) throw new Error(`npm installed ${names.length} packages: ${names.join(', ')}`)
}

async function runWithNpx(
  tarball: string,
  env: Readonly<Record<string, string>>,
  context: CheckContext,
): Promise<void> {
  const cwd = join(context.temporary, 'npx')
  mkdirSync(cwd, { recursive: true })
  const { stdout, stderr } = await run('npx', ['--yes', `--package=${tarball}`, 'dray', '--version'], {
    cwd,
    env,
  })
  if (stderr !== '' || !stdout.startsWith(`dray/${context.version} `) || stdout.trim().includes('\n'))
    throw new Error(`npx prints ${JSON.stringify(stdout + stderr)}`)
}
