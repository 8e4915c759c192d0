/**
 * `node scripts/release/check-windows.ts PROGRAM`: runs a binary with paths, line ends and
 * credential helpers of Windows. On another system, it does the same with the paths of that system.
 * The image layout in `release/image` is the content.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, parse, resolve } from 'node:path'
import { run } from './check/program.ts'
import { readProduct } from './product.ts'

const root = join(import.meta.dirname, '..', '..')
const isWindows = process.platform === 'win32'

interface Subject {
  readonly program: string
  /** an empty folder */
  readonly folder: string
  readonly version: string
}

async function checkLineEnds({ program, folder }: Subject): Promise<void> {
  const text =
    'version: 1\r\nimages:\r\n  api: {}\r\nenvironments:\r\n  dev:\r\n    registry: registry.example.com\r\n    path: dev/{image}\r\n'
  writeFileSync(join(folder, 'dray.yaml'), text)
  await run(program, ['config', 'validate'], { cwd: folder })
}

/** A path of more than 260 characters, which older interfaces of Windows do not accept. */
async function checkLongPath(subject: Subject): Promise<string> {
  const parts = Array.from({ length: 6 }, (_, i) => `${i}`.padEnd(50, 'x'))
  const long = join(subject.folder, ...parts, 'image')
  await copy(subject, `oci:${join(root, 'release', 'image')}:${subject.version}`, `oci:${long}:1.4`)
  return long
}

/** A path of a share of this machine: `\\localhost\C$\…`. */
async function checkShare(subject: Subject, from: string): Promise<void> {
  const { root: drive } = parse(subject.folder)
  const share = `\\\\localhost\\${drive.charAt(0)}$\\${subject.folder.slice(drive.length)}\\share`
  await copy(subject, `oci:${from}:1.4`, `oci:${share}:1.4`)
}

async function copy({ program, folder }: Subject, from: string, to: string): Promise<void> {
  const digests: string[] = []
  const env = isWindows ? { LOCALAPPDATA: folder } : { XDG_STATE_HOME: folder }
  await run(program, ['copy', from, to, '--yes', '--quiet'], { cwd: folder, env })
  if (!existsSync(join(folder, 'dray', 'audit.jsonl'))) throw new Error(`${folder} has no audit log`)
  for (const reference of [from, to]) {
    const { stdout } = await run(program, ['inspect', reference, '--no-tags', '-o', 'digest'], {
      cwd: folder,
    })
    digests.push(stdout.trim())
  }
  if (digests[0] !== digests[1] || digests[0] === '') throw new Error(`${to} has another digest than ${from}`)
}

/** A shell would run a helper that is a batch file. dray starts no shell, and finds no helper. */
async function checkBatchHelper({ program, folder }: Subject): Promise<void> {
  const docker = join(folder, 'docker')
  mkdirSync(docker)
  writeFileSync(join(docker, 'config.json'), JSON.stringify({ credsStore: 'batch' }))
  writeFileSync(join(docker, 'docker-credential-batch.cmd'), '@echo {"Username":"a","Secret":"b"}\r\n')
  const env = { DOCKER_CONFIG: docker, PATH: `${docker}${delimiter}${process.env['PATH']}` }
  const failure = await run(program, ['auth', 'explain', 'registry.example.com'], { cwd: folder, env }).then(
    ({ stdout }) => `it succeeded: ${stdout}`,
    (error: unknown) => (String(error).includes('docker-credential-batch') ? undefined : String(error)),
  )
  if (failure !== undefined) throw new Error(`a helper that is a batch file: ${failure}`)
}

async function main(program: string): Promise<void> {
  const { version } = readProduct()
  const subject = { program, folder: mkdtempSync(join(tmpdir(), 'dray-windows-')), version }
  try {
    await checkLineEnds(subject)
    const long = await checkLongPath(subject)
    if (isWindows) await checkShare(subject, long)
    await checkBatchHelper(subject)
    console.log('line ends, long paths and helpers: ok')
  } finally {
    rmSync(subject.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

await main(resolve(process.argv[2] ?? ''))
