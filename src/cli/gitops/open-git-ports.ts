import type { GitPorts } from '../../deployments/git/process/git-ports.ts'
import type { Context } from '../wiring/context.ts'

/** Returns the environment for git, gh and glab. */
export function openGitPorts({ env, clock }: Pick<Context, 'env' | 'clock'>): GitPorts {
  return { env, clock, random: Math.random }
}
