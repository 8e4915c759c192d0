import { formatProblem } from './github.ts'
import { type Login, loginState } from './log-in.ts'
import { runProgram } from './program.ts'

/** Removes the credentials that the step stored. Does nothing for steps that did not log in. */
async function post(env: NodeJS.ProcessEnv): Promise<void> {
  const saved = env[`STATE_${loginState}`] ?? ''
  if (saved === '') return
  const { node, registry, file } = JSON.parse(saved) as Login
  await runProgram(['logout', registry, '--auth-file', file], { node, env })
}

try {
  await post(process.env)
} catch (error) {
  process.stdout.write(formatProblem('warning', error))
}
