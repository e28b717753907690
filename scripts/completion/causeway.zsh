# SPDX-License-Identifier: Apache-2.0
#
# zsh completion of causeway: that of bash, by zsh's own adapter, so there is one list of words.
#   source <(causeway completion zsh)

autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
source <(command causeway completion bash)
