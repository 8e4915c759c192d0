import { DrayError } from '../src/lib/errors.ts'
import { escapeText } from '../src/render/text/escape.ts'
import { lacksSecrets } from './event.ts'
import { formatMask, writeStepValue } from './github.ts'
import { runProgram } from './program.ts'

/** What the last step of the job needs to log out. */
export interface Login {
  readonly node: string
  readonly registry: string
  /** the docker configuration that has the credentials, or names their helper */
  readonly file: string
}

/** The name of the state under which a step saves its `Login`, as JSON. */
export const loginState = 'login'

/**
 * Runs `dray login` with the password of the variable DRAY_PASSWORD on stdin, and saves for the end
 * of the job where it logged in. Returns the exit code.
 * @throws `usage`, `unauthorized` without a password.
 */
export async function logIn(
  args: readonly string[],
  node: string,
  given: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { DRAY_PASSWORD: password = '', DRAY_USERNAME: username = '', ...env } = given
  if (password === '') throw withoutPassword(given)
  process.stdout.write(formatMask(password))
  const isNamed = args.some((arg) => /^(?:-u|--username(?:=|$))/.test(arg))
  const options = [
    ...(isNamed || username === '' ? [] : ['--username', username]),
    ...(args.includes('--password-stdin') ? [] : ['--password-stdin']),
    '--json',
  ]
  const { code, stdout } = await runProgram([...args, ...options], {
    node,
    env,
    input: password,
    isCaptured: true,
  })
  if (code !== 0) return code
  const { result } = JSON.parse(stdout) as { result: Omit<Login, 'node'> & { username: string } }
  const { registry, file } = result
  writeStepValue('GITHUB_STATE', loginState, JSON.stringify({ node, registry, file } satisfies Login), given)
  const user = escapeText(result.username)
  process.stdout.write(`logged in  ${user} at ${escapeText(registry)}, saved in ${escapeText(file)}\n`)
  return 0
}

function withoutPassword(env: Readonly<Record<string, string | undefined>>): DrayError {
  if (lacksSecrets(env))
    return new DrayError('unauthorized', 'this run has no password to log in with', {
      why: 'it belongs to a pull request from a fork or by Dependabot, and GitHub passes no secrets to it',
      hint: "Skip the step in such runs: if: github.event.pull_request.head.repo.fork != true && github.actor != 'dependabot[bot]'",
    })
  return new DrayError('usage', 'login needs a password', {
    why: 'the variable DRAY_PASSWORD is missing or empty',
    hint: 'Add it to the step: env: { DRAY_PASSWORD: "${{ secrets.REGISTRY_PASSWORD }}" }',
  })
}
