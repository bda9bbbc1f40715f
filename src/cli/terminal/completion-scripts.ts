/** Shells that a completion script exists for. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type Shell = (typeof SHELLS)[number];

/** The word before the words to complete, in a call by a completion script. */
export const COMPLETE = '__complete';

/** Scripts that ask `cygstrap __complete WORDS...` for the completions of the last word, which is empty or a blank
 *  where no part of it is typed. Where it prints nothing, the shell completes file names. */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# In ~/.bashrc: eval "$(cygstrap completion bash)"
_cygstrap() {
  local IFS=$'\\n'
  COMPREPLY=($(cygstrap ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _cygstrap cygstrap
`,
  zsh: `#compdef cygstrap
# In ~/.zshrc, after compinit: eval "$(cygstrap completion zsh)"
_cygstrap() {
  local -a found
  found=("\${(@f)$(cygstrap ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then
    compadd -a found
  else
    _files
  fi
}
compdef _cygstrap cygstrap
`,
  fish: `# In ~/.config/fish/config.fish: cygstrap completion fish | source
function __cygstrap_complete
  set -l words (commandline --tokenize --cut-at-cursor --current-process) (commandline --current-token --cut-at-cursor)
  set -l found (cygstrap ${COMPLETE} $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline --current-token --cut-at-cursor)
  end
end
complete --command cygstrap --no-files --arguments '(__cygstrap_complete)'
`,
  powershell: `# In $PROFILE: cygstrap completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName cygstrap -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    Select-Object -Skip 1 | ForEach-Object { "$_" })
  # Before version 7.3 an empty argument would be lost: a blank stands for it.
  $words += if ($wordToComplete -eq '') { ' ' } else { "$wordToComplete" }
  cygstrap ${COMPLETE} @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
};

/** Returns the completion script for a shell. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
