import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { executable } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { tools } from '../support/tools.ts'
import { watchedRegistry } from '../support/world.ts'

const root = join(import.meta.dirname, '..', '..')
const built = join(root, 'release', 'bin', 'dray-linux-x64')
const binary = executable ?? built
const isBuilt = existsSync(binary)
const note = isBuilt ? '' : ' (skipped: run "npm run release:binaries", or set DRAY_PROGRAM)'
const qemu = tools('qemu-x86_64-static')
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0

async function run(
  [command = '', ...args]: readonly string[],
  { env = {}, cwd }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
) {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout, stderr }
}

describe.skipIf(!isBuilt)(`the standalone binary${note}`, () => {
  it('reads and copies with no variable at all, and with an empty PATH', async () => {
    await using registry = await watchedRegistry()
    const { digest } = await registry.oracle.push(image({ label: 'a' }), 'app', '1.0.0')
    const folder = await tempFolder()
    const copy = ['copy', `${registry.host}/app:1.0.0`, `${registry.host}/copy`, '--yes']
    expect(await run([binary, 'ls', `${registry.host}/app`])).toMatchObject({ status: 0, stderr: '' })
    const env = { PATH: '', XDG_STATE_HOME: folder }
    expect(await run([binary, ...copy], { env })).toMatchObject({ status: 0 })
    expect(await registry.oracle.digest('copy', '1.0.0')).toBe(digest)
  })

  it.skipIf(!mayMount)(
    `runs with a read-only root and no place for temporary files${mayMount ? '' : ' (skipped: unshare may not mount)'}`,
    async () => {
      await using registry = await watchedRegistry()
      await registry.oracle.push(image({ label: 'a' }), 'app', '1.0.0')
      // The binary itself may be in the folder that is hidden.
      const script = `exec 9<"$1"; shift
mount -o remount,bind,ro / && mount -t tmpfs -o ro,mode=0555 none /tmp && exec /proc/self/fd/9 "$@"`
      const within = [
        '/usr/bin/unshare',
        '--mount',
        '--propagation',
        'private',
        '/bin/sh',
        '-c',
        script,
        'sh',
      ]
      const options = { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }
      const ended = await run([...within, binary, 'ls', `${registry.host}/app`], options)
      expect(ended).toMatchObject({ status: 0, stdout: expect.stringContaining('1.0.0'), stderr: '' })
    },
  )

  it.skipIf(!qemu.available)(`runs on a processor without AVX2${qemu.note}`, async () => {
    const { stdout } = await run([binary, '--version'])
    const ended = await run(['/usr/bin/env', 'qemu-x86_64-static', '-cpu', 'Nehalem', binary, '--version'])
    expect(ended).toMatchObject({ status: 0, stdout })
  })

  it('reads no settings of Bun or of Node from the working folder', async () => {
    const folder = await tempFolder()
    const clean = join(await tempFolder(), 'clean')
    await mkdir(clean)
    await writeFile(join(folder, 'code.ts'), 'console.log("changed")')
    for (const name of ['.env', '.env.local', '.env.production', '.env.development'])
      await writeFile(join(folder, name), 'FORCE_COLOR=1\nDRAY_LOG=debug\nDRAY_AUDIT_FILE=/changed\n')
    for (const name of ['bunfig.toml', '.bunfig.toml'])
      await writeFile(join(folder, name), 'preload = ["./code.ts"]\n')
    await writeFile(join(folder, 'tsconfig.json'), '{"compilerOptions": {"paths": {"*": ["./code.ts"]}}}')
    await writeFile(join(folder, 'package.json'), '{"browser": {"fs": "./code.ts"}, "type": "module"}')
    await mkdir(join(folder, 'node_modules/undici'), { recursive: true })
    await copyFile(join(folder, 'code.ts'), join(folder, 'node_modules/undici/index.js'))
    const args = [binary, 'plan', 'show', 'absent.json']
    const expected = await run(args, { cwd: clean })
    expect(expected).toMatchObject({ status: 1, stderr: expect.stringContaining('absent.json') })
    expect(await run(args, { cwd: folder })).toEqual(expected)
  })

  it.each([
    ['NODE_OPTIONS', '--require ./code.cjs'],
    ['NODE_PATH', '.'],
    ['NODE_ENV', 'development'],
    ['NODE_COMPILE_CACHE', './cache'],
    ['BUN_CONFIG_PRELOAD', './code.cjs'],
    ['BUN_INSPECT', '1'],
    ['BUN_INSPECT_PRELOAD', './code.cjs'],
    ['BUN_INSTALL', '.'],
    ['BUN_RUNTIME_TRANSPILER_CACHE_PATH', './cache'],
    ['XDG_CONFIG_HOME', '.'],
  ])('does not change with %s', async (name, value) => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'code.cjs'), 'console.log("changed")')
    await writeFile(join(folder, '.bunfig.toml'), 'preload = ["./code.cjs"]\n')
    const args = [binary, 'plan', 'show', 'absent.json']
    expect(await run(args, { cwd: folder, env: { [name]: value } })).toEqual(await run(args, { cwd: folder }))
    expect(existsSync(join(folder, 'cache'))).toBe(false)
  })

  it.each([
    ['stdin', '<&-', 'ls HOST/app', 0],
    ['stdout', '>&-', 'ls HOST/app', 0],
    ['stderr', '2>&-', 'ls HOST/none', 1],
    ['stdin without a password', '<&-', 'login HOST -u ada --password-stdin', 64],
  ])('ends as usual if %s is closed', async (_, redirection, command, code) => {
    await using registry = await watchedRegistry()
    await registry.oracle.push(image({ label: 'a' }), 'app', '1.0.0')
    const args = command.replace('HOST', registry.host).split(' ')
    const ended = await run(['/bin/sh', '-c', `exec "$@" ${redirection}`, 'sh', binary, ...args])
    expect(ended.status).toBe(code)
  })

  it('contains the bundle, and no path of the machine that built it', () => {
    const bytes = readFileSync(binary)
    expect(bytes.includes('Promote container images between environments')).toBe(true)
    expect(bytes.includes(root)).toBe(false)
  })
})
