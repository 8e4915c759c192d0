import { spawn } from 'node:child_process'

interface RunOptions {
  readonly cwd?: string
  /** added to the environment of the check; undefined removes a variable */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

/** The part of the output of a failed program that an error quotes. */
const quotedLines = 15

/**
 * Runs a program without input. @throws Error with the end of its output, unless it exits with 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env }
  const child = spawn(program, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.on('error', reject)
  child.on('close', (code, signal) => {
    if (code === 0) resolve()
    else reject(new Error(failureOf([program, ...args].join(' '), code ?? signal, output)))
  })
  await promise
  return output
}

function failureOf(commandLine: string, exit: number | string | null, { stdout, stderr }: RunResult): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  return [`${commandLine} ended with ${exit}`, ...lines.slice(-quotedLines)].join('\n')
}
