const now = document.getElementById("now");
const tick = () => { now.textContent = new Date().toLocaleTimeString(); };
tick();
setInterval(tick, 1000);
