// Before the first paint, so that the wrong theme never flashes. A file of its own: the policy allows no inline scripts.
try{var theme=localStorage.getItem("gantry.theme");if(theme)document.documentElement.dataset.theme=theme}catch(error){}
