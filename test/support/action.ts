import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tempFolder } from './temp.ts'

const root = join(import.meta.dirname, '..', '..')

/** The files that a step appends to, by their variables. */
const stepFiles = [
  'GITHUB_ENV',
  'GITHUB_OUTPUT',
  'GITHUB_PATH',
  'GITHUB_STATE',
  'GITHUB_STEP_SUMMARY',
] as const

interface StepOptions {
  /** the inputs of `with:` */
  readonly with?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** called with the running action */
  readonly onStart?: (action: ChildProcess) => void
}

/** The result of a step, as the runner reads it. */
interface EndedStep {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  /** the variables of later steps */
  readonly variables: Readonly<Record<string, string>>
  /** the folders before the PATH of later steps */
  readonly path: readonly string[]
  readonly summary: string
}

/** A job of GitHub Actions on this machine. */
interface Job {
  readonly workspace: string
  /** the home folder and the temporary folder of the job */
  readonly folder: string
  /** Runs `uses: ` this repository, or a copy of it in another folder. */
  step(options: StepOptions, action?: string): Promise<EndedStep>
  /** Runs the step that ends the job for a step with this state. */
  post(state: Readonly<Record<string, string>>): Promise<EndedStep>
}

/** Starts a job with these files in its workspace. */
export async function startJob(files: Readonly<Record<string, string>> = {}): Promise<Job> {
  const folder = await tempFolder()
  const workspace = join(folder, 'workspace')
  await mkdir(workspace)
  for (const [name, text] of Object.entries(files)) await writeFile(join(workspace, name), text)
  const run = async (
    script: string,
    { with: inputs = {}, env = {}, onStart }: StepOptions,
    action = root,
  ) => {
    const names = await createStepFiles(folder)
    const child = spawn(process.execPath, [join(action, 'action', `${script}.ts`)], {
      cwd: workspace,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: workspace,
        RUNNER_TEMP: folder,
        ...names,
        ...Object.fromEntries(
          Object.entries(inputs).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text]),
        ),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const written = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (chunk: string) => (written[stream] += chunk))
    onStart?.(child)
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, ...written, ...(await readStepFiles(names)) }
  }
  return {
    workspace,
    folder,
    step: (options, action) => run('main', options, action),
    post: (state) => {
      const env = Object.fromEntries(Object.entries(state).map(([name, text]) => [`STATE_${name}`, text]))
      return run('post', { env })
    },
  }
}

type StepFiles = Readonly<Record<(typeof stepFiles)[number], string>>

async function createStepFiles(folder: string): Promise<StepFiles> {
  const paths = Object.fromEntries(stepFiles.map((name) => [name, join(folder, name)])) as StepFiles
  for (const path of Object.values(paths)) await writeFile(path, '')
  return paths
}

async function readStepFiles(files: StepFiles) {
  const read = (name: keyof StepFiles): Promise<string> => readFile(files[name], 'utf8')
  return {
    outputs: readValues(await read('GITHUB_OUTPUT')),
    state: readValues(await read('GITHUB_STATE')),
    variables: readValues(await read('GITHUB_ENV')),
    path: (await read('GITHUB_PATH')).split('\n').filter((line) => line !== ''),
    summary: await read('GITHUB_STEP_SUMMARY'),
  }
}

/** Reads `NAME=VALUE` and `NAME<<DELIMITER` as the runner does (GitHub, Workflow commands). */
function readValues(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {}
  const lines = text.split('\n')
  while (lines.length > 0) {
    const line = lines.shift() ?? ''
    const [, name = '', sign, rest = ''] = /^([^=<]+)(=|<<)(.*)$/.exec(line) ?? []
    if (line === '') continue
    if (name === '') throw new Error(`the runner refuses the line ${line}`)
    if (sign === '=') values[name] = rest
    else {
      const end = lines.indexOf(rest)
      if (end < 0) throw new Error(`${name} has no end`)
      values[name] = lines
        .splice(0, end + 1)
        .slice(0, -1)
        .join('\n')
    }
  }
  return values
}
